//! Small pictures for the report.
