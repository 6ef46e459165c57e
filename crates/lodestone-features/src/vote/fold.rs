//! One form of each descriptor stands for all four, so that mirrored and negative pictures cost no look-ups of their own.
//!
//! Two sums over a descriptor's bits turn their sign with the form: one when the picture is mirrored, the other when it is
//! made negative. The form in which both are positive is kept. A copy's sums differ a little, so that a questioned
//! descriptor whose sums are near zero is looked up in the other forms too.

use crate::{Descriptor, Form};

/// First and last of each test's four bits; mirroring exchanges them with the other two.
const OUTER: u64 = 0x9999_9999_9999_9999;

/// The sum that mirroring turns, and the one that the negative turns.
fn leanings(descriptor: Descriptor) -> (i32, i32) {
    let (mut outer, mut all) = (0, 0);
    for word in descriptor.0 {
        outer += (word & OUTER).count_ones() as i32;
        all += word.count_ones() as i32;
    }
    (2 * outer - all, all - 128)
}

/// The form in which a descriptor is kept.
pub(super) fn kept(descriptor: Descriptor) -> Form {
    let (mirror, negative) = leanings(descriptor);
    Form { mirror: mirror < 0, negative: negative < 0 }
}

/// The forms in which copies of a descriptor may be kept whose sums differ by up to `margin`: its own first.
pub(super) fn asked(descriptor: Descriptor, margin: i32) -> impl Iterator<Item = Form> {
    let (mirror, negative) = leanings(descriptor);
    let own = kept(descriptor);
    Form::ALL.into_iter().map(move |form| form.then(own)).filter(move |form| {
        (form.mirror == own.mirror || mirror.abs() <= margin)
            && (form.negative == own.negative || negative.abs() <= margin)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptors() -> impl Iterator<Item = Descriptor> {
        let mut seed = 5u64;
        std::iter::repeat_with(move || {
            Descriptor(std::array::from_fn(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                seed ^ seed >> 29
            }))
        })
    }

    #[test]
    fn all_forms_of_a_descriptor_are_kept_as_one() {
        for descriptor in descriptors().take(500) {
            let (mirror, negative) = leanings(descriptor);
            if mirror == 0 || negative == 0 {
                continue;
            }
            let one = descriptor.in_form(kept(descriptor));
            for form in Form::ALL {
                let other = descriptor.in_form(form);
                assert_eq!(other.in_form(kept(other)), one);
                assert_eq!(kept(other), form.then(kept(descriptor)));
            }
        }
    }

    #[test]
    fn a_descriptor_near_the_border_is_asked_for_on_both_sides() {
        for descriptor in descriptors().take(500) {
            let (mirror, negative) = leanings(descriptor);
            let forms: Vec<Form> = asked(descriptor, 6).collect();
            let sides = |sum: i32| if sum.abs() <= 6 { 2 } else { 1 };
            assert_eq!(forms.len(), sides(mirror) * sides(negative));
            assert_eq!(forms.first(), Some(&kept(descriptor)));
        }
    }
}
