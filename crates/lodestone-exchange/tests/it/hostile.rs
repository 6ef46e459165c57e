//! Mutated lists: never a panic, never a hang, never an entry after a fatal row.

use lodestone_exchange::format::{ListFormat, ListWriter, ReadOptions, WriteOptions, open};
use lodestone_types::{ListEntry, RejectKind, SignalType};
use proptest::prelude::*;

use crate::other_lists::{ICSE, encase, utf16};
use crate::value;

fn seeds() -> Vec<Vec<u8>> {
    let (md5, sha1, pdq) = (value(1, 32), value(2, 40), value(3, 64));
    let mut seeds: Vec<Vec<u8>> = texts(&md5, &sha1, &pdq).into_iter().map(String::into_bytes).collect();
    seeds.push(encase(2, &[[4; 16], [5; 16]]));
    seeds.push(utf16(&format!("id;md5\r\né;{md5}\r\n")));
    seeds
}

fn texts(md5: &str, sha1: &str, pdq: &str) -> Vec<String> {
    let numbers = (0..144).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    vec![
        format!("{md5}\n{md5}\n"),
        format!("{pdq},98,a.jpg\n{pdq}\n"),
        format!("pdq {pdq}\nmd5 {md5}\n"),
        format!("id,md5,note\n1,{md5},\"a\nb\"\n2,{md5},x\n"),
        format!("%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n1,{md5},{pdq},/a\n"),
        format!("{md5}  a.jpg\n\\{md5} *b\\n.jpg\nMD5 (c) = {md5}\n"),
        format!("\"SHA-1\",\"MD5\",\"CRC32\",\"FileName\"\n\"{sha1}\",\"{md5}\",\"0\",\"x\"\n"),
        format!(
            "{{\"@odata.context\":\"x#Media\",\"value\":[{{\"MediaID\":1,\"MD5\":\"{md5}\",\"Exifs\":[{{}}]}},{{\"Media\":[{{\"MD5\":\"{md5}\"}}]}}]}}"
        ),
        format!(
            "{{\"entry\":\"a\",\"signals\":[{{\"type\":\"md5\",\"value\":\"{md5}\"}}],\"W\":1.50}}\n{{\"signals\":{{\"pdq\":\"{pdq}\"}}}}\n"
        ),
        format!("{ICSE}\r\n{md5};{sha1};;77;true;\"a;b\";;;;;;1\r\n"),
        format!(
            "\"file_id\",\"hashset_id\",\"file_name\",\"directory\",\"hash\"\n\n\n7,5,\"a,b\",\"C:\\\",\"{md5}\"\n"
        ),
        format!("sep=;\r\nid;sha1\r\n1;{sha1}\r\n"),
        format!("MD5\r\n{md5}\r\n{numbers}\r\n"),
        format!("photodna,id\n\"{numbers}\",1\n"),
        format!(
            "{{\"odata.metadata\":\"http://github.com/ICMEC/ProjectVic/DataModels/1.2.xml#Media\",\"value\":[{{\"MD5\":\"{md5}\",\"MediaSize\":\"12\",\"MediaFiles\":[{{\"FileName\":\"a\"}}]}}]}}"
        ),
    ]
}

/// Reads to the end whatever it is; checks what holds of every list.
fn survives(text: &[u8], options: &ReadOptions) {
    let Ok(list) = open(text, options) else { return };
    let told = list.format;
    let mut rows = 0usize;
    let mut fatal = false;
    let mut entries = Vec::new();
    for row in list.entries {
        assert!(!fatal, "a row after a fatal one");
        rows += 1;
        match row {
            Ok(entry) => {
                assert!(!entry.signals.is_empty() && !entry.entry.is_empty());
                assert!(entry.signals.iter().all(|signal| !signal.says_nothing()));
                entries.push(entry);
            }
            Err(reject) => fatal = reject.kind == RejectKind::Fatal,
        }
    }
    assert!(rows > 0, "a list that is read gives a row, if only that it has none");
    assert!(rows <= text.len() + 1);
    // Whatever was read is written, and reads back as it was.
    for format in [ListFormat::Vics, ListFormat::Ndjson] {
        let mut out = Vec::new();
        let mut writer = ListWriter::new(&mut out, format, &WriteOptions::default()).unwrap();
        for entry in &entries {
            writer.entry(entry).unwrap();
        }
        assert_eq!(writer.finish().unwrap().left_out, 0);
        let again = open(&out[..], &ReadOptions { format: Some(format), ..ReadOptions::default() }).unwrap();
        let again: Vec<_> = again.entries.filter_map(Result::ok).map(comparable).collect();
        let entries: Vec<_> = entries.iter().cloned().map(comparable).collect();
        // Other lists have tags and names that VICS writes in its own way.
        if format == ListFormat::Ndjson || told == ListFormat::Vics {
            assert_eq!(again, entries, "{format}: {}", String::from_utf8_lossy(&out));
        }
    }
}

fn comparable(mut entry: ListEntry) -> ListEntry {
    entry.line = 0;
    entry.signals.sort();
    entry
}

fn all_options() -> Vec<ReadOptions> {
    let mut all = vec![ReadOptions::default()];
    for kind in [SignalType::Pdq, SignalType::Md5] {
        all.push(ReadOptions { declared: Some(kind), ..ReadOptions::default() });
        for format in ListFormat::ALL {
            all.push(ReadOptions { declared: Some(kind), format: Some(format), mapping: None });
        }
    }
    all.push(ReadOptions { mapping: Some("md5=md5,id=id".parse().unwrap()), ..ReadOptions::default() });
    all
}

#[test]
fn every_seed_survives_every_reading_and_every_cut() {
    for seed in seeds() {
        for options in all_options() {
            survives(&seed, &options);
        }
        for cut in 0..seed.len() {
            survives(&seed[..cut], &ReadOptions::default());
        }
    }
}

proptest! {
    #[test]
    fn mutated_lists_survive(
        seed in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..12),
        reading in any::<prop::sample::Index>(),
    ) {
        let mut text = seed.get(&seeds()).clone();
        for (at, byte, what) in edits {
            let at = at.index(text.len().max(1));
            match what {
                0 if at < text.len() => text[at] = byte,
                1 if at < text.len() => { text.remove(at); }
                2 => text.insert(at.min(text.len()), byte),
                _ => text.extend_from_within(..at.min(text.len())),
            }
        }
        let all = all_options();
        survives(&text, &all[reading.index(all.len())]);
    }

    #[test]
    fn noise_survives(text in prop::collection::vec(any::<u8>(), 0..300), reading in any::<prop::sample::Index>()) {
        let all = all_options();
        survives(&text, &all[reading.index(all.len())]);
    }
}

#[test]
fn a_line_without_end_is_refused() {
    let mut text = format!("{}\n", value(1, 32)).into_bytes();
    text.resize(2 << 20, b'a');
    let list =
        open(&text[..], &ReadOptions { declared: Some(SignalType::Md5), ..ReadOptions::default() }).unwrap();
    let rows: Vec<_> = list.entries.collect();
    assert!(rows[1].as_ref().unwrap_err().reason.contains("longer than 1 MiB"));
    let mut text = format!("id,md5\n1,\"{}\n", value(1, 32)).into_bytes();
    text.extend_from_slice(&b"a\n".repeat(1 << 20));
    let rows: Vec<_> = open(&text[..], &ReadOptions::default()).unwrap().entries.collect();
    assert!(rows[0].as_ref().unwrap_err().reason.contains("a quote is not closed"));
}
