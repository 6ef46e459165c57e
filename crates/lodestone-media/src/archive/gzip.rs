//! gzip: one member, named by its header.

use std::io::{self, BufReader, Read};
use std::sync::atomic::AtomicU64;

use flate2::bufread::MultiGzDecoder;

use super::Visitor;
use super::budget::{Counting, Guard};
use crate::Error;

/// Visits the one member. Its label is the header's name, else `data`.
pub(super) fn walk(reader: &mut dyn Read, visitor: &mut Visitor<'_>) -> Result<(), Error> {
    let packed = AtomicU64::new(0);
    let decoder = MultiGzDecoder::new(BufReader::new(Counting { inner: reader, count: &packed }));
    let header = decoder.header().and_then(|h| h.filename());
    let name = header.map_or_else(|| b"data".to_vec(), <[u8]>::to_vec);
    let budget = visitor.budget;
    let mut last = None;
    let mut guard = Guard::new(Remember { inner: decoder, last: &mut last }, budget);
    guard.packed = Some(&packed);
    visitor.member(&name, None, Ok(&mut guard))?;
    drop(guard);
    last.map_or(Ok(()), Err)
}

/// Remembers how the stream broke, so that the walk ends with it.
struct Remember<'l, R> {
    inner: R,
    last: &'l mut Option<Error>,
}

impl<R: Read> Read for Remember<'_, R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let result = self.inner.read(to);
        if let Err(e) = &result {
            *self.last = Some(match super::read_error(e) {
                Error::Truncated(_) => Error::Truncated("gzip".into()),
                Error::Malformed(_) => Error::Malformed("gzip: packed data is damaged".into()),
                other => other,
            });
        }
        result
    }
}
