//! The spool: a run's records on disk between matching and output, so that memory holds only what triage needs.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use lodestone_types::Record;

/// An anonymous temporary file of records. It leaves nothing behind, even after a kill.
pub struct Spool {
    out: BufWriter<File>,
    places: Vec<(u64, u32)>,
    end: u64,
}

impl Spool {
    /// An empty spool in the system's folder for temporary files.
    ///
    /// # Errors
    /// When there is no room for temporary files.
    pub fn new() -> io::Result<Self> {
        Ok(Self { out: BufWriter::with_capacity(1 << 20, tempfile::tempfile()?), places: Vec::new(), end: 0 })
    }

    /// Adds a record; its number is the count of records before it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn push(&mut self, record: &Record) -> io::Result<()> {
        let line = serde_json::to_vec(record).map_err(io::Error::other)?;
        self.out.write_all(&line)?;
        let length = u32::try_from(line.len()).map_err(io::Error::other)?;
        self.places.push((self.end, length));
        self.end += line.len() as u64;
        Ok(())
    }

    /// Ends writing; records can then be read by number, as often as wanted.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> io::Result<Records> {
        let file = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Records { file: BufReader::with_capacity(1 << 18, file), at: self.end, places: self.places })
    }
}

/// Records, by number.
pub struct Records {
    file: BufReader<File>,
    at: u64,
    places: Vec<(u64, u32)>,
}

impl Records {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// Reads one record.
    ///
    /// # Errors
    /// When there is none of that number, or the file cannot be read.
    pub fn read(&mut self, number: usize) -> io::Result<Record> {
        let (place, length) = *self
            .places
            .get(number)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no such record"))?;
        if self.at != place {
            // Mostly the next one: a relative seek keeps the buffer.
            match (i64::try_from(place), i64::try_from(self.at)) {
                (Ok(to), Ok(from)) => self.file.seek_relative(to - from)?,
                _ => {
                    self.file.seek(SeekFrom::Start(place))?;
                }
            }
        }
        let mut line = vec![0; length as usize];
        self.file.read_exact(&mut line)?;
        self.at = place + u64::from(length);
        serde_json::from_slice(&line).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use lodestone_types::{Observation, State};

    use super::*;

    #[test]
    fn records_come_back_in_any_order() {
        let record = |path: &str| Record {
            path: path.to_owned(),
            path_bytes_hex: None,
            state: State::Examined,
            observation: Observation::default(),
            matches: Vec::new(),
            generation: 1,
            group: None,
        };
        let mut spool = Spool::new().unwrap();
        for path in ["b", "a", "c"] {
            spool.push(&record(path)).unwrap();
        }
        let mut records = spool.finish().unwrap();
        for (number, path) in [(1, "a"), (0, "b"), (2, "c"), (0, "b")] {
            assert_eq!(records.read(number).unwrap(), record(path));
        }
        assert!(records.read(3).is_err());
    }
}
