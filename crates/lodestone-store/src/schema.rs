//! The tables. `docs/formats/store.md` explains them.

/// Number of the schema; rises with every change.
pub(crate) const VERSION: i64 = 5;

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

/// From schema 2 to 3: what a server keeps. The ids of entries that are there are given by `upgrade.rs`.
///
/// Numbers that are told to others (`AUTOINCREMENT`) are never given twice, whatever is pruned. `_us` are microseconds,
/// `_ts` seconds since 1970, as HMA has them.
pub(crate) const FROM_2_TO_3: &str = "
ALTER TABLE banks ADD COLUMN enabled_ratio REAL NOT NULL DEFAULT 1.0;
INSERT INTO meta VALUES ('next_content_id', 1);
CREATE TABLE content_runs (
    first_no INTEGER PRIMARY KEY,
    first_id INTEGER NOT NULL UNIQUE,
    length INTEGER NOT NULL
);
CREATE TABLE content_details (
    no INTEGER PRIMARY KEY REFERENCES entries (no) ON DELETE CASCADE,
    disable_until_ts INTEGER NOT NULL DEFAULT 1,
    note TEXT,
    original_media_uri TEXT,
    metadata TEXT
);
CREATE TABLE opinions (
    no INTEGER NOT NULL REFERENCES entries (no) ON DELETE CASCADE,
    who TEXT NOT NULL,
    opinion TEXT NOT NULL,
    note TEXT,
    at_us INTEGER NOT NULL,
    PRIMARY KEY (no, who)
) WITHOUT ROWID;
CREATE TABLE exchanges (
    name TEXT PRIMARY KEY,
    bank INTEGER NOT NULL UNIQUE REFERENCES banks (id) ON DELETE CASCADE,
    api TEXT NOT NULL,
    config TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    checkpoint TEXT,
    checkpoint_ts INTEGER,
    running_fetch_start_ts INTEGER,
    last_fetch_complete_ts INTEGER,
    last_fetch_succeeded INTEGER,
    up_to_date INTEGER NOT NULL DEFAULT 0,
    fetched_items INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE exchange_credentials (
    api TEXT PRIMARY KEY,
    sealed TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    roles TEXT NOT NULL,
    secret_sha256 BLOB NOT NULL,
    created_us INTEGER NOT NULL,
    expires_us INTEGER,
    revoked_us INTEGER
) WITHOUT ROWID;
CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE rules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    body TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    created_us INTEGER NOT NULL
);
CREATE TABLE match_events (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    at_us INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX match_events_by_time ON match_events (at_us);
CREATE TABLE outbox (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    event TEXT NOT NULL,
    rule INTEGER,
    target TEXT NOT NULL,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_us INTEGER NOT NULL,
    state TEXT NOT NULL,
    last_error TEXT,
    created_us INTEGER NOT NULL,
    done_us INTEGER
);
CREATE INDEX outbox_due ON outbox (next_us, no) WHERE state = 'pending';
CREATE INDEX outbox_dead ON outbox (no) WHERE state = 'dead';
CREATE INDEX outbox_done ON outbox (done_us) WHERE state = 'done';
CREATE TABLE reviews (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,
    rule INTEGER NOT NULL,
    state TEXT NOT NULL,
    body TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    decided_us INTEGER,
    decision TEXT,
    UNIQUE (event, rule)
);
CREATE INDEX reviews_open ON reviews (no) WHERE state = 'open';
CREATE TABLE labels (
    event TEXT NOT NULL,
    label TEXT NOT NULL,
    PRIMARY KEY (event, label)
) WITHOUT ROWID;
CREATE TABLE quarantine (
    hash_key TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    first_us INTEGER NOT NULL,
    changed_us INTEGER NOT NULL,
    senders INTEGER NOT NULL,
    body TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE audit (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    at_us INTEGER NOT NULL,
    leaf BLOB NOT NULL,
    salt BLOB,
    body TEXT,
    log_index INTEGER UNIQUE
);
CREATE INDEX audit_waiting ON audit (no) WHERE log_index IS NULL;
PRAGMA user_version = 3;
";

/// From schema 3 to 4: local features of known pictures, sealed by the caller. `no` is the entry's number; the bytes are
/// not read in here.
pub(crate) const FROM_3_TO_4: &str = "
CREATE TABLE features (
    no INTEGER PRIMARY KEY REFERENCES entries (no) ON DELETE CASCADE,
    sealed BLOB NOT NULL
);
PRAGMA user_version = 4;
";

/// From schema 4 to 5: which layers a server looks at for a bank (bit 0: layer 1), how many members of an exchange have to
/// hold or confirm an entry, votes that wait to be sent, and descriptors of a user's model, sealed by the caller.
pub(crate) const FROM_4_TO_5: &str = "
ALTER TABLE banks ADD COLUMN layers INTEGER NOT NULL DEFAULT 1;
ALTER TABLE banks ADD COLUMN members_needed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE banks ADD COLUMN confirmations_needed INTEGER NOT NULL DEFAULT 0;
CREATE TABLE votes (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    exchange TEXT NOT NULL REFERENCES exchanges (name) ON DELETE CASCADE,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_us INTEGER NOT NULL,
    state TEXT NOT NULL,
    last_error TEXT,
    created_us INTEGER NOT NULL,
    done_us INTEGER
);
CREATE INDEX votes_due ON votes (next_us, no) WHERE state = 'pending';
CREATE TABLE descriptors (
    no INTEGER NOT NULL REFERENCES entries (no) ON DELETE CASCADE,
    model TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (no, model)
);
PRAGMA user_version = 5;
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
