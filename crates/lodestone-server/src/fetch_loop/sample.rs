//! `sample`: the examples that python-threatexchange publishes for its signal types, to try things with. They are of
//! pictures of a bridge, of logos, and of everyday sentences. *Source:* `get_examples` in `signal_type/*.py`.

use lodestone_types::{Signal, SignalType};
use serde_json::json;

use super::sync::{Sync, of_signal};
use super::turn::{FetchError, Turn};

const PDQ: [&str; 16] = [
    "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22",
    "f8f8f0cee0f4a84f06370a2a038f63f0b36e26d596621e1d33e6b39c4e9c9b22",
    "f8f8f0cee0f4a84f0637022a038f67f0b36e26d596621e1d33e6b39c4e9c9b22",
    "f8f8f0cee0f4a84f06370a2a068f67f0b36e26d596621e1d33e6339c4e9c9b22",
    "f8f8f0cee0f4a84f06370a22038f67f0b36e2ed596221e1d33e6b39c4e9c9b22",
    "f8f8f0cee0f4a84f0e370a22038f67f0b36e2ed596221e1d33e6b39c4a9c9b22",
    "d8f8f0cec0f4a84f8e370a22038f67f0b36a2ed597231e1d72e6b39c4a9c9b22",
    "f8f8f0cee0f4a84f06370a22038f67f0b36e2ed596221e1d33e6339c4e9c9b22",
    "d0f8f1ccc0f4a84d0a370a3a228f67f0b36e2ed5b6623e1d33e6339c4e9c9b22",
    "d8f8f1eec0f4a84f0e37022a078f63f0b36e2ed596621e1d33e6239c4e9c9b22",
    "d8f8f0cec4f4a84f0637022a078f67f0b36e2ee5b6621e1d33e6239c4e9c9b22",
    "d8f8f0cec0f4a84f0637022a278f67f0b36e2ed596621e1d33e6339c4e9c9b22",
    "e64cc9d91c623882f8d1f1d9a398e78c9f199b3bd83924f2b7e11e0bf861b064",
    "6227401f601ff4ccafcc9fad4b0d95d371a2eb7265a3285234d228ca94deeb2d",
    "c186f9619659658c4b6916daf934496985f4259c72c39676ab9edb631c3c349c",
    "62c9789627838f69f23cf98c29e37836d61c87c31c59587c4b49a783f496725c",
];
const VIDEO_MD5: [&str; 2] = ["cab08b36195edb1a1231d2d09fa450e0", "d41d8cd98f00b204e9800998ecf8427e"];
const RAW_TEXT: [&str; 3] = [
    "The quick brown fox jumps over the lazy dog",
    "We the People of the United States, in Order to form a more perfect Union, establish Justice, ensure domestic \
     Tranquility, provide for the common defence, promote the general Welfare, and secure the Blessings of Liberty to \
     ourselves and our Posterity, do ordain and establish this Constitution for the United States of America.",
    "bball now?",
];
const URL: [&str; 1] = ["https://developers.facebook.com/docs/threat-exchange/reference/apis/"];
const TREND_QUERY: [&str; 1] = [
    "{\"and\": [{\"or\": [\"basketball\", \"basket ball\", \"basket-ball\", \"bball\", \"hoops\"]}, {\"or\": [\"play\", \
     \"tonight\", \"today\", \"now\"]}], \"not\": [\"tomorrow\", \"baseball\", \"hockey\", \"football\", \"soccer\"]}",
];
const TEXT_TLSH: [&str; 1] = ["T117E0263B60802F6B4A401074669D39E0FA5D812E726B4A081C0A812783CAC26892EAC5"];

/// The examples of a type. Those of files' own digests it does not have.
fn examples(kind: SignalType) -> &'static [&'static str] {
    match kind {
        SignalType::Pdq => &PDQ,
        SignalType::VideoMd5 => &VIDEO_MD5,
        SignalType::RawText => &RAW_TEXT,
        SignalType::Url => &URL,
        SignalType::TrendQuery => &TREND_QUERY,
        SignalType::TextTlsh => &TEXT_TLSH,
        _ => &[],
    }
}

fn signals(kinds: impl Iterator<Item = SignalType>) -> Vec<Signal> {
    kinds
        .flat_map(|kind| examples(kind).iter().filter_map(move |text| Signal::parse(kind, text).ok()))
        .collect()
}

pub(super) fn fetch(turn: &Turn<'_>) -> Result<(), FetchError> {
    let mut sync = Sync::open(turn)?;
    for signal in signals(turn.app.types.all().into_iter().map(|(kind, _)| kind)) {
        sync.take(of_signal(signal))?;
    }
    sync.finish(json!({}), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_types_give_eighteen_records_and_every_example_is_a_value() {
        assert_eq!(signals([SignalType::Pdq, SignalType::VideoMd5].into_iter()).len(), 18);
        let all: usize = SignalType::ALL.into_iter().map(|kind| examples(kind).len()).sum();
        assert_eq!((all, signals(SignalType::ALL.into_iter()).len()), (24, 24));
    }
}
