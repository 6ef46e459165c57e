//! Frames on the pipes: one tag byte, the length as u32 little-endian, the payload.

use std::io::{self, IoSlice, Read, Write};

/// Longest payload. A value a worker emits is far smaller; bytes are handed out a mebibyte at a time.
pub(crate) const MAX_PAYLOAD: usize = 64 << 20;

/// Kind of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// Parent: a job; the item's size (u64), whether its first bytes follow unasked (u8), then the job's text.
    Job,
    /// Parent: the worker is to try what it must not be able to do.
    Measure,
    /// Parent: bytes that were asked for.
    Bytes,
    /// Parent: reading failed; the reason as text.
    ReadError,
    /// Child: asks for bytes; offset (u64) and length (u32).
    Read,
    /// Child: a step begins.
    Begin,
    /// Child: a value.
    Emit,
    /// Child: the job is done.
    Done,
}

const TAGS: [(u8, Tag); 8] = [
    (b'J', Tag::Job),
    (b'M', Tag::Measure),
    (b'B', Tag::Bytes),
    (b'X', Tag::ReadError),
    (b'R', Tag::Read),
    (b'S', Tag::Begin),
    (b'E', Tag::Emit),
    (b'D', Tag::Done),
];

/// Writes one frame and flushes.
pub(crate) fn write(out: &mut impl Write, tag: Tag, payload: &[u8]) -> io::Result<()> {
    put(out, tag, payload)?;
    out.flush()
}

/// Writes one frame, head and payload in one call where the pipe takes that: a reader is not woken for the head alone.
pub(crate) fn put(out: &mut impl Write, tag: Tag, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len())
        .ok()
        .filter(|_| payload.len() <= MAX_PAYLOAD)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "frame too long"))?;
    let byte = TAGS.iter().find(|(_, t)| *t == tag).map_or(b'?', |(byte, _)| *byte);
    let mut head = [0; 5];
    head[0] = byte;
    head[1..].copy_from_slice(&length.to_le_bytes());
    let mut written = loop {
        match out.write_vectored(&[IoSlice::new(&head), IoSlice::new(payload)]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => break written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    };
    if let Some(rest) = head.get(written..) {
        out.write_all(rest)?;
        written = head.len();
    }
    out.write_all(payload.get(written - head.len()..).unwrap_or_default())
}

/// Reads one frame into `payload`; `None` at a clean end of the pipe.
pub(crate) fn read(input: &mut impl Read, payload: &mut Vec<u8>) -> io::Result<Option<Tag>> {
    let mut head = [0; 5];
    let mut filled = 0;
    while filled < head.len() {
        match input.read(&mut head[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let tag = TAGS
        .iter()
        .find(|(byte, _)| *byte == head[0])
        .map(|(_, tag)| *tag)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "unknown frame"))?;
    let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
    if length > MAX_PAYLOAD {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "frame too long"));
    }
    payload.clear();
    payload.resize(length, 0);
    input.read_exact(payload)?;
    Ok(Some(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes at a time.
    struct Narrow(Vec<u8>, usize);

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let some = bytes.len().min(self.1);
            self.0.extend_from_slice(&bytes[..some]);
            Ok(some)
        }

        fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
            let all: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
            self.write(&all)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_pipe_that_takes_a_few_bytes_at_a_time_gets_the_whole_frame() {
        let mut whole = Vec::new();
        write(&mut whole, Tag::Emit, b"value").unwrap();
        for at_once in 1..=11 {
            let mut narrow = Narrow(Vec::new(), at_once);
            write(&mut narrow, Tag::Emit, b"value").unwrap();
            assert_eq!(narrow.0, whole, "{at_once}");
        }
    }

    #[test]
    fn frames_round_trip_and_foreign_bytes_are_refused() {
        let mut pipe = Vec::new();
        write(&mut pipe, Tag::Emit, b"value").unwrap();
        write(&mut pipe, Tag::Done, b"").unwrap();
        let (mut input, mut payload) = (pipe.as_slice(), Vec::new());
        assert_eq!(read(&mut input, &mut payload).unwrap(), Some(Tag::Emit));
        assert_eq!(payload, b"value");
        assert_eq!(read(&mut input, &mut payload).unwrap(), Some(Tag::Done));
        assert_eq!(read(&mut input, &mut payload).unwrap(), None);
        assert!(read(&mut &b"?\0\0\0\0"[..], &mut payload).is_err());
        assert!(read(&mut &b"E\xff\xff\xff\xff"[..], &mut payload).is_err());
        assert!(read(&mut &b"E\x05\0"[..], &mut payload).is_err());
    }
}
