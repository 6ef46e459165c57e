//! The summary on the terminal: what a person should know when the scan has ended, on one screen.

use std::io::{self, Write};

use lodestone_types::{Bank, BankKind, Group, Summary};

/// How the summary is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    /// With ANSI colours.
    pub(crate) colour: bool,
    /// Columns of the terminal; 60 at least are used.
    pub(crate) width: usize,
}

impl Style {
    /// What fits where output goes: colours and the real width on a terminal (no colours with `NO_COLOR`), else plain
    /// text of 100 columns.
    pub(crate) fn of_terminal(is_terminal: bool) -> Self {
        let columns = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        Self {
            colour: is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            width: columns.filter(|_| is_terminal).unwrap_or(100),
        }
    }
}

/// Groups shown.
const GROUPS: usize = 8;
/// Reasons of unreadable files shown.
const REASONS: usize = 6;

/// Prints the summary of a run.
///
/// # Errors
/// The writer's.
pub(crate) fn print(
    out: &mut dyn Write,
    summary: &Summary,
    groups: &[Group],
    banks: &[Bank],
    style: Style,
) -> io::Result<()> {
    let ink = Ink(style.colour);
    let width = style.width.clamp(60, 110);
    headline(out, summary, banks, ink)?;
    states(out, summary, width, ink)?;
    unreadable(out, summary, ink)?;
    unsupported(out, summary, ink)?;
    partial(out, summary, ink)?;
    ranked(out, groups, width, ink)?;
    looks(out, summary, ink)?;
    if !groups.is_empty() {
        let hint =
            "All groups and reasons: --report FILE.html · everything of one file: lodestone examine FILE";
        for line in wrapped(hint, width) {
            writeln!(out, "{}", ink.dim(&line))?;
        }
    }
    Ok(())
}

fn headline(out: &mut dyn Write, summary: &Summary, banks: &[Bank], ink: Ink) -> io::Result<()> {
    let files = plural(summary.files, "file", "files");
    write!(out, "{} read, {}", ink.bold(&files), size(summary.bytes))?;
    let against: Vec<String> = banks
        .iter()
        .map(|bank| {
            let entries = plural(bank.version.entries, "entry", "entries");
            let kind =
                if bank.kind == BankKind::KnownReal { String::new() } else { format!(", {}", bank.kind) };
            format!("{} ({entries}{kind})", shown(&bank.name))
        })
        .collect();
    match against.as_slice() {
        [] => writeln!(out, ", compared among themselves only")?,
        [one] => writeln!(out, ", against {one}")?,
        [first, second] => writeln!(out, ", against {first} and {second}")?,
        [first, rest @ ..] => writeln!(out, ", against {first} and {} more banks", rest.len())?,
    }
    if summary.interrupted || summary.not_reached > 0 {
        let text =
            format!("Interrupted: {} found and not reached.", plural(summary.not_reached, "path", "paths"));
        writeln!(out, "{}", ink.paint(YELLOW, &text))?;
    }
    Ok(())
}

fn states(out: &mut dyn Write, s: &Summary, width: usize, ink: Ink) -> io::Result<()> {
    let rows = [
        ("known", s.known, RED, "in a list of known content"),
        ("derived", s.derived, RED, "made from known content, or holding it"),
        ("known good", s.known_good, GREEN, "exact bytes in a known-good list"),
        ("alike", s.alike, BLUE, "like another file of this scan only"),
        ("examined", s.examined, PLAIN, "nothing matched"),
        ("unreadable", s.unreadable, YELLOW, "matched by digest where there was one"),
    ];
    let total = rows.iter().map(|row| row.1).sum::<u64>().max(1);
    let digits = rows.iter().map(|row| count(row.1).chars().count()).max().unwrap_or(1);
    let bar = if width < 84 { 16 } else { 24 };
    writeln!(out)?;
    for (name, value, colour, what) in rows {
        // Nothing looks for parts of pictures unless asked to.
        if name == "derived" && value == 0 {
            continue;
        }
        let drawn = drawn_bar(value, total, bar);
        let line = format!("  {name:<10}  {:>digits$}  ", count(value));
        if value == 0 {
            writeln!(out, "{}", ink.dim(line.trim_end()))?;
            continue;
        }
        writeln!(
            out,
            "{line}{}{}  {}",
            ink.paint(colour, &drawn),
            " ".repeat(bar - drawn.chars().count()),
            ink.dim(what)
        )?;
    }
    Ok(())
}

/// A bar of eighths; anything that is there is seen.
fn drawn_bar(value: u64, total: u64, width: usize) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = u128::from(value) * width as u128 * 8 / u128::from(total.max(1));
    let eighths = usize::try_from(eighths).unwrap_or(0).clamp(usize::from(value > 0), width * 8);
    let mut bar = "█".repeat(eighths / 8);
    if let Some(part) = EIGHTHS.get(eighths % 8).filter(|part| **part != ' ') {
        bar.push(*part);
    }
    bar
}

fn unsupported(out: &mut dyn Write, summary: &Summary, ink: Ink) -> io::Result<()> {
    if summary.unsupported == 0 {
        return Ok(());
    }
    let line = format!(
        "              {} of the derived only match entries that too few members hold or confirm",
        count(summary.unsupported)
    );
    writeln!(out, "{}", ink.dim(&line))
}

fn partial(out: &mut dyn Write, summary: &Summary, ink: Ink) -> io::Result<()> {
    if summary.partial == 0 {
        return Ok(());
    }
    let line =
        format!("  partial     {} cut short or damaged, hashed as far as they go", count(summary.partial));
    writeln!(out, "{}", ink.dim(&line))
}

fn unreadable(out: &mut dyn Write, summary: &Summary, ink: Ink) -> io::Result<()> {
    if summary.unreadable_reasons.is_empty() {
        return Ok(());
    }
    let mut reasons: Vec<&(String, u64)> = summary.unreadable_reasons.iter().collect();
    reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let shown_reasons: Vec<String> = reasons
        .iter()
        .take(REASONS)
        .map(|(reason, files)| format!("{} {}", count(*files), shown(reason)))
        .collect();
    let rest: u64 = reasons.iter().skip(REASONS).map(|(_, files)| files).sum();
    let rest = if rest > 0 { format!(", {} other", count(rest)) } else { String::new() };
    writeln!(out, "{}", ink.dim(&format!("              {}{rest}", shown_reasons.join(", "))))
}

fn ranked(out: &mut dyn Write, groups: &[Group], width: usize, ink: Ink) -> io::Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", ink.bold("Look at first"))?;
    let top = groups.get(..GROUPS).unwrap_or(groups);
    let ranks = top.iter().map(|group| count(group.rank).chars().count()).max().unwrap_or(1);
    let indent = ranks + 4;
    for group in top {
        let path = group.members.get(group.representative).or_else(|| group.members.first());
        let more = match group.members.len() {
            0 | 1 => String::new(),
            members => format!("  +{} more", members - 1),
        };
        let room = width.saturating_sub(indent + more.chars().count());
        let path = shortened(&shown(path.map_or("", String::as_str)), room);
        writeln!(out, "  {:>ranks$}  {}{}", count(group.rank), ink.bold(&path), ink.dim(&more))?;
        if let Some(reason) = group.reasons.first() {
            for line in wrapped(&shown(reason), width.saturating_sub(indent)) {
                writeln!(out, "{}{line}", " ".repeat(indent))?;
            }
        }
    }
    if groups.len() > top.len() {
        let rest = plural((groups.len() - top.len()) as u64, "more group", "more groups");
        writeln!(out, "{}", ink.dim(&format!("{}… {rest}", " ".repeat(indent))))?;
    }
    Ok(())
}

fn looks(out: &mut dyn Write, s: &Summary, ink: Ink) -> io::Result<()> {
    let total = s.exposures_needed.saturating_add(s.exposures_saved);
    if total == 0 {
        return Ok(());
    }
    let share = u128::from(s.exposures_saved) * 100 / u128::from(total);
    writeln!(
        out,
        "\n{} instead of {}: matching and grouping save {} exposures ({share} %)",
        ink.bold(&plural(s.exposures_needed, "look", "looks")),
        count(total),
        count(s.exposures_saved),
    )
}

/// Text from outside, with control and direction characters made visible: a path cannot write to the terminal.
fn shown(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        let hidden = c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
        if hidden {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// At most `room` characters: the beginning and the end stay, the name whole where it fits.
fn shortened(text: &str, room: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= room {
        return text.to_owned();
    }
    let Some(keep) = room.checked_sub(1) else { return String::new() };
    let name = chars.iter().rev().take_while(|c| **c != '/').count() + 1;
    let tail = if name < keep { name.max(keep * 2 / 3) } else { keep * 2 / 3 };
    let (head, end) = (keep - tail, chars.len() - tail);
    chars.iter().take(head).chain(['…'].iter()).chain(chars.iter().skip(end)).collect()
}

/// Lines of at most `room` characters, broken at spaces; at most two, the second shortened.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let full = lines.len() == 2;
        let Some(line) = lines.last_mut() else { break };
        let fits = line.is_empty() || line.chars().count() + 1 + word.chars().count() <= room;
        if fits || full {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
        .into_iter()
        .map(|line| {
            if line.chars().count() <= room {
                line
            } else {
                line.chars().take(room.saturating_sub(1)).chain(['…']).collect()
            }
        })
        .collect()
}

/// A count with thin groups of three.
fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn plural(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(value), if value == 1 { one } else { many })
}

/// Bytes in the unit that reads best, powers of ten.
fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    for (unit, name) in UNITS {
        if bytes >= unit {
            return format!("{}.{} {name}", bytes / unit, bytes % unit / (unit / 10));
        }
    }
    format!("{bytes} B")
}

const PLAIN: &str = "";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const BLUE: &str = "34";

/// Colours, or none.
#[derive(Clone, Copy)]
struct Ink(bool);

impl Ink {
    fn paint(self, code: &str, text: &str) -> String {
        if self.0 && !code.is_empty() && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }
}

#[cfg(test)]
mod tests {
    use lodestone_types::{ListVersion, Priority};

    use super::*;

    fn bank(name: &str, kind: BankKind, entries: u64) -> Bank {
        let version = ListVersion { number: 1, sha256: String::new(), entries };
        Bank {
            name: name.into(),
            kind,
            radius_bits: 31,
            photodna_max_distance: None,
            source: String::new(),
            version,
        }
    }

    fn group(rank: u64, members: &[&str], reason: &str) -> Group {
        Group {
            group: rank,
            rank,
            members: members.iter().map(|path| (*path).to_owned()).collect(),
            representative: 0,
            reasons: vec![reason.into()],
            priority: Priority::default(),
            edges: Vec::new(),
            exposures_saved: members.len() as u64 - 1,
        }
    }

    fn printed(summary: &Summary, groups: &[Group], banks: &[Bank], colour: bool) -> String {
        let mut out = Vec::new();
        print(&mut out, summary, groups, banks, Style { colour, width: 80 }).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn pile() -> Summary {
        Summary {
            files: 1_240,
            bytes: 3_456_700_000,
            known: 31,
            known_good: 2,
            alike: 400,
            examined: 800,
            unreadable: 7,
            groups: 3,
            exposures_needed: 911,
            exposures_saved: 322,
            unreadable_reasons: vec![("decode/malformed".into(), 2), ("identify/unsupported".into(), 5)],
            ..Summary::default()
        }
    }

    #[test]
    fn pictures_that_break_off_are_counted() {
        assert!(!printed(&pile(), &[], &[], false).contains("cut short"));
        let summary = Summary { partial: 2, ..pile() };
        assert!(printed(&summary, &[], &[], false).contains("partial     2 cut short"));
    }

    #[test]
    fn what_too_few_members_hold_is_counted_apart() {
        assert!(!printed(&pile(), &[], &[], false).contains("too few members"));
        let summary = Summary { derived: 3, unsupported: 2, ..pile() };
        let text = printed(&summary, &[], &[], false);
        assert!(text.contains("2 of the derived only match entries that too few members hold"), "{text}");
    }

    #[test]
    fn the_summary_fits_one_screen_and_reads_alone() {
        let groups = [
            group(
                1,
                &["seen/forwarded/hills-small.jpg", "b", "c"],
                "Derivative of known material: entry LD-0001 of known, 4 bits away, other bytes.",
            ),
            group(
                2,
                &["a/very/long/way/down/into/folders/that/go/on/and/on/DCIM/100LODES/LD_0001.JPG"],
                "Likely camera original, in no list.",
            ),
        ];
        let banks = [bank("known", BankKind::KnownReal, 40), bank("system", BankKind::KnownGood, 1)];
        assert_eq!(
            printed(&pile(), &groups, &banks, false),
            "\
1,240 files read, 3.4 GB, against known (40 entries) and system (1 entry, known-good)

  known        31  ▍                 in a list of known content
  known good    2  ▏                 exact bytes in a known-good list
  alike       400  █████▏            like another file of this scan only
  examined    800  ██████████▎       nothing matched
  unreadable    7  ▏                 matched by digest where there was one
              5 identify/unsupported, 2 decode/malformed

Look at first
  1  seen/forwarded/hills-small.jpg  +2 more
     Derivative of known material: entry LD-0001 of known, 4 bits away, other
     bytes.
  2  a/very/long/way/down/into…lders/that/go/on/and/on/DCIM/100LODES/LD_0001.JPG
     Likely camera original, in no list.

911 looks instead of 1,233: matching and grouping save 322 exposures (26 %)
All groups and reasons: --report FILE.html · everything of one file: lodestone
examine FILE
"
        );
    }

    #[test]
    fn an_empty_folder_says_so_quietly() {
        let text = printed(&Summary::default(), &[], &[], false);
        assert!(text.starts_with("0 files read, 0 B, compared among themselves only\n"), "{text}");
        assert!(
            !text.contains('█') && !text.contains("Look at first") && !text.contains("instead of"),
            "{text}"
        );
    }

    #[test]
    fn colours_come_only_when_asked() {
        assert!(!printed(&pile(), &[], &[], false).contains('\u{1b}'));
        assert!(printed(&pile(), &[], &[], true).contains("\u{1b}[31m"));
    }

    #[test]
    fn a_path_cannot_write_to_the_terminal() {
        let groups = [group(1, &["evil\u{1b}[2J\u{202e}gpj.exe\n"], "why\u{7}")];
        let text = printed(&pile(), &groups, &[], false);
        assert!(text.contains("evil\\u{1b}[2J\\u{202e}gpj.exe\\u{a}"), "{text}");
        assert!(!text.contains('\u{7}') && !text.contains('\u{1b}'));
    }

    #[test]
    fn no_line_of_groups_is_wider_than_the_terminal() {
        let long = "x".repeat(300);
        let groups = [group(1, &[&long, "b"], &"word ".repeat(80))];
        for line in printed(&pile(), &groups, &[], false).lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn an_interrupted_run_says_what_it_did_not_reach() {
        let summary = Summary { interrupted: true, not_reached: 12, ..pile() };
        assert!(printed(&summary, &[], &[], false).contains("Interrupted: 12 paths found and not reached."));
    }
}
