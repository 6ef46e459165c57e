//! The loops of `kernels.rs` compiled for several instruction sets, and the choice between them; all give the same.

use super::kernels;

/// An instruction set that this machine has. Made by [`Kernel::detect`] only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kernel(Set);

#[derive(Debug, Clone, Copy)]
enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Kernel {
    pub(crate) const PORTABLE: Self = Self(Set::Portable);

    /// The fastest.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            return Self(Set::Avx2);
        }
        Self::PORTABLE
    }

    pub(crate) fn corner_row(self, rows: &[&[u8]; 7], out: &mut [u8]) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => {
                // SAFETY: `detect` has seen this feature on this machine.
                unsafe { corner_row_avx2(rows, out) }
            }
            Set::Portable => kernels::corner_row(rows, out),
        }
    }

    pub(crate) fn smooth_down(self, rows: &[&[u8]; 7], out: &mut [u16]) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => {
                // SAFETY: as above.
                unsafe { smooth_down_avx2(rows, out) }
            }
            Set::Portable => kernels::smooth_down(rows, out),
        }
    }

    pub(crate) fn smooth_across(self, padded: &[u16], out: &mut [u8]) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => {
                // SAFETY: as above.
                unsafe { smooth_across_avx2(padded, out) }
            }
            Set::Portable => kernels::smooth_across(padded, out),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn corner_row_avx2(rows: &[&[u8]; 7], out: &mut [u8]) {
    kernels::corner_row(rows, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn smooth_down_avx2(rows: &[&[u8]; 7], out: &mut [u16]) {
    kernels::smooth_down(rows, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn smooth_across_avx2(padded: &[u16], out: &mut [u8]) {
    kernels::smooth_across(padded, out);
}
