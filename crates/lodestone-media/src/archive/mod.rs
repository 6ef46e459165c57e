//! Archives: members of zip, tar and gzip as readers.
