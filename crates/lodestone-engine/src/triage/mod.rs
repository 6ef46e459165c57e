//! Triage: groups and their rank.
