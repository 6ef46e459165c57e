//! Which checks were made, could not apply, or failed; and what the answer cannot tell.

use std::io::{self, Write};

use lodestone_types::{Assessment, CheckState};

use super::super::text::Text;
use super::words;

pub(super) fn write(out: &mut dyn Write, said: &Assessment) -> io::Result<()> {
    if !said.checks.is_empty() {
        write!(
            out,
            "<h3>Checks</h3><table class=\"checks\"><thead><tr><th>Check</th><th>How it went</th><th>Why</th></tr></thead><tbody>"
        )?;
        for state in [CheckState::Applied, CheckState::Failed, CheckState::NotApplicable] {
            for check in said.checks.iter().filter(|check| check.state == state) {
                let class = if state == CheckState::Failed { " class=\"failed\"" } else { "" };
                write!(
                    out,
                    "<tr{class}><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                    Text(&check.examiner),
                    words::check(state),
                    Text(check.why.as_deref().unwrap_or("")),
                )?;
            }
        }
        write!(out, "</tbody></table>")?;
    }
    write!(out, "<h3>Limits</h3><ul class=\"limits\">")?;
    for limit in &said.limits {
        write!(out, "<li>{}</li>", Text(limit))?;
    }
    write!(out, "</ul>")
}
