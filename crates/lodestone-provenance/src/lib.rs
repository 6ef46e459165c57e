//! Examiners turn one item into findings; a first reading turns findings into an assessment.
#![forbid(unsafe_code)]
