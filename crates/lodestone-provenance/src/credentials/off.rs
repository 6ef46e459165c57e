//! This build validates no credentials: it says that they are there and were not checked.

use std::path::Path;

use lodestone_media::segments::SegmentKind;
use lodestone_types::CheckState;

use crate::item::Item;
use crate::kit::KitError;
use crate::reading::Reading;

/// No lists.
#[derive(Default)]
pub(crate) struct TrustLists {}

impl TrustLists {
    pub(crate) fn built_in() -> Self {
        Self {}
    }

    pub(crate) fn load(folder: &Path) -> Result<Self, KitError> {
        let what = "this build validates no Content Credentials, so it takes no trust lists".to_owned();
        Err(KitError::Invalid { path: folder.to_owned(), what })
    }

    pub(crate) fn describe(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Nothing is checkable here; that a manifest store is there is told with the container.
pub(crate) fn examine(item: &Item<'_>, _lists: &TrustLists, reading: &mut Reading) {
    let present = item.segments.of(SegmentKind::C2pa).next().is_some();
    let state = if present { CheckState::Failed } else { CheckState::NotApplicable };
    reading.check("credentials", state, Some("this build validates no Content Credentials".to_owned()));
}
