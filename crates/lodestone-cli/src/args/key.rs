//! What can be typed after `key`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::{Data, Format};
use crate::help;

#[derive(Subcommand, Debug)]
pub(crate) enum Key {
    /// Make an API key and print its token, once
    #[command(after_long_help = help::KEY_ADD)]
    Add {
        /// Whose it is
        name: String,
        /// What it may do: hash, match, curate, audit, admin
        #[arg(long, required = true, value_delimiter = ',', value_name = "ROLE,…")]
        role: Vec<String>,
        /// How long it is good: 90d, 12h, 30m; for ever by default
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        #[command(flatten)]
        data: Data,
    },
    /// List API keys, without their secrets
    List {
        /// Output for people or programs
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        #[command(flatten)]
        data: Data,
    },
    /// Take an API key back
    Revoke {
        /// Its id, the 12 digits after lds_
        id: String,
        #[command(flatten)]
        data: Data,
    },
    /// Seal stored credentials, signing secrets and local features anew under another key
    #[command(after_long_help = help::KEY_ROTATE)]
    RotateSecrets {
        /// File of the new key; made when it is not there
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        new_key_file: PathBuf,
        #[command(flatten)]
        keys: SecretKeys,
        #[command(flatten)]
        data: Data,
    },
    /// Give up stored secrets whose key is lost; they have to be given anew
    ForgetSecrets {
        /// Do it
        #[arg(long)]
        yes: bool,
        /// Also local features of known pictures whose key is lost: only the pictures could give them again
        #[arg(long)]
        features: bool,
        #[command(flatten)]
        keys: SecretKeys,
        #[command(flatten)]
        data: Data,
    },
}

/// Keys that secrets are sealed with now.
#[derive(Args, Debug, Default)]
pub(crate) struct SecretKeys {
    /// File of the present key; else LODESTONE_KEY, else secret.key in the data folder
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) key_file: Option<PathBuf>,
    /// File of an earlier key. Repeatable
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) old_key_file: Vec<PathBuf>,
}
