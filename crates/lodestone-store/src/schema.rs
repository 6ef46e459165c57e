//! The tables. `docs/formats/store.md` explains them.

/// Number of the schema; rises with every change.
pub(crate) const VERSION: i64 = 2;

/// SQLite's `application_id`: "Lode".
pub(crate) const APPLICATION_ID: i64 = 0x4c6f_6465;

/// Entries of bank `b` have numbers `b << ENTRY_BITS` and up: one range a bank, so that a bank is read in order, and
/// deleted, without an index.
pub(crate) const ENTRY_BITS: u32 = 40;

/// From schema 1 to 2. The counts of signals are filled in by `upgrade.rs`.
///
/// `changes` says what an index of PDQ values has to catch up with: entries that are new, as ranges (an import gives
/// its entries consecutive numbers); entries that changed or went, with the values they had; whole banks that went.
/// `states` gives every generation a random number: two databases, or two lives of one that was restored from a copy, can
/// stand at the same generation and hold different things.
pub(crate) const FROM_1_TO_2: &str = "
ALTER TABLE banks ADD COLUMN photodna_max_distance INTEGER;
ALTER TABLE banks ADD COLUMN next_no INTEGER NOT NULL DEFAULT 0;
CREATE TABLE counts (
    bank INTEGER NOT NULL REFERENCES banks (id) ON DELETE CASCADE,
    type TEXT NOT NULL,
    signals INTEGER NOT NULL,
    PRIMARY KEY (bank, type)
) WITHOUT ROWID;
CREATE TABLE changes (
    generation INTEGER NOT NULL,
    no INTEGER NOT NULL,
    what TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    pdq BLOB,
    PRIMARY KEY (generation, no)
) WITHOUT ROWID;
INSERT INTO meta SELECT 'changes_since', value FROM meta WHERE key = 'generation';
CREATE TABLE states (
    generation INTEGER PRIMARY KEY,
    token INTEGER NOT NULL
);
INSERT INTO states SELECT value, (random() & 4611686018427387903) + 1 FROM meta WHERE key = 'generation';
PRAGMA user_version = 2;
";

/// Makes an empty database ours, in schema 1; the steps above follow, so that a new folder and one that was brought up
/// to date are the same. `entry` has no type on purpose: ids that are whole numbers are stored as numbers, which
/// halves the index and keeps it in line order.
pub(crate) const CREATE: &str = "
PRAGMA application_id = 1282368613;
PRAGMA user_version = 1;
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID;
INSERT INTO meta VALUES ('generation', 0);
CREATE TABLE banks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    radius_bits INTEGER NOT NULL,
    source TEXT NOT NULL,
    version_number INTEGER NOT NULL,
    source_sha256 TEXT NOT NULL,
    entries INTEGER NOT NULL,
    created_us INTEGER NOT NULL
);
CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    bank INTEGER NOT NULL REFERENCES banks (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    imported_us INTEGER NOT NULL,
    UNIQUE (bank, name)
);
CREATE TABLE entries (
    no INTEGER PRIMARY KEY,
    bank INTEGER NOT NULL REFERENCES banks (id),
    source INTEGER NOT NULL,
    entry NOT NULL,
    classification TEXT,
    tags TEXT,
    pdq_quality INTEGER,
    extra TEXT,
    line INTEGER NOT NULL,
    added_generation INTEGER NOT NULL
);
CREATE UNIQUE INDEX entries_by_id ON entries (bank, entry);
CREATE TABLE signals (
    entry INTEGER NOT NULL REFERENCES entries (no) ON DELETE CASCADE,
    type TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (entry, type, value)
) WITHOUT ROWID;
CREATE TABLE observed_files (
    no INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,
    size_bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    options TEXT NOT NULL,
    members INTEGER NOT NULL,
    written_us INTEGER NOT NULL
);
CREATE TABLE observations (
    file INTEGER NOT NULL REFERENCES observed_files (no) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    member TEXT NOT NULL,
    observation TEXT NOT NULL,
    PRIMARY KEY (file, position)
);
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    started_us INTEGER NOT NULL,
    finished_us INTEGER,
    roots TEXT NOT NULL,
    options TEXT NOT NULL,
    summary TEXT,
    interrupted INTEGER NOT NULL
);
";
