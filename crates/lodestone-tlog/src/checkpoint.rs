//! Checkpoints: which log, how many entries, which root; the text of a signed note.
//!
//! *Source:* C2SP `tlog-checkpoint`, section "Note text".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::tree::{Hash, MAX_SIZE};
use crate::{Note, TlogError, VerifierKey};

/// What a log says of itself at one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log: that of its key.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// Root of the tree of that size.
    pub root: Hash,
    /// Further lines, which mean nothing here. Logs of this program have none.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// Reads the text of a note.
    ///
    /// # Errors
    /// [`TlogError::Note`] where it is no checkpoint.
    pub fn parse(text: &str) -> Result<Self, TlogError> {
        let Some(body) = text.strip_suffix('\n') else {
            return Err(TlogError::note("the checkpoint does not end in a newline"));
        };
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(TlogError::note("the checkpoint has fewer than three lines"));
        };
        if origin.is_empty() {
            return Err(TlogError::note("the checkpoint has no origin"));
        }
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(TlogError::note("the checkpoint has an empty line"));
        }
        let number = match size.parse::<u64>() {
            Ok(number) if number <= MAX_SIZE && number.to_string() == size => number,
            _ => return Err(TlogError::note("the size in the checkpoint is no number, or too large")),
        };
        let root = STANDARD
            .decode(root)
            .ok()
            .and_then(|bytes| Hash::try_from(bytes).ok())
            .ok_or_else(|| TlogError::note("the root in the checkpoint is not 32 bytes in base64"))?;
        Ok(Self { origin: origin.to_owned(), size: number, root, extensions })
    }

    /// Reads a signed checkpoint and checks that the log signed it: one of the `known` keys has the origin as its name,
    /// and its signature is there. Also gives the names of all known keys that signed.
    ///
    /// # Errors
    /// [`TlogError::Note`] otherwise.
    pub fn open(note: &[u8], known: &[VerifierKey]) -> Result<(Self, Vec<String>), TlogError> {
        let note = Note::parse(note)?;
        let signed_by = note.verify(known)?;
        let checkpoint = Self::parse(&note.text)?;
        // A witness signs checkpoints of many logs, and a log could be given another's: the log's own key must be there.
        if !signed_by.iter().any(|key| key.name() == checkpoint.origin) {
            return Err(TlogError::note(format!(
                "the checkpoint is of the log {:?}, and none of the keys that signed it has that name",
                checkpoint.origin
            )));
        }
        Ok((checkpoint, signed_by.into_iter().map(|key| key.name().to_owned()).collect()))
    }
}

/// The text that is signed.
impl std::fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, STANDARD.encode(self.root))?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
