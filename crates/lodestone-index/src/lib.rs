//! Exact and Hamming-radius search over fixed-size codes.
