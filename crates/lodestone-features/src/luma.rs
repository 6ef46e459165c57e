//! A small grey picture, which all here is made from.

/// Grey values of a picture: `height` rows of `width` bytes, from the top left, 0 black to 255 white.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Luma {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

/// Why grey values are no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LumaError {
    /// A side of 0 pixels, or more than [`Luma::MAX_SIDE`].
    #[error("a picture of {width} x {height} pixels: sides must be 1 to {}", Luma::MAX_SIDE)]
    Side {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// Not `width * height` values.
    #[error("{given} grey values where {wanted} were expected")]
    Length {
        /// Values given.
        given: usize,
        /// `width * height`.
        wanted: usize,
    },
}

impl Luma {
    /// Longest side of a picture taken here. Sums over it fit 32 bits.
    pub const MAX_SIDE: u32 = 4096;

    /// A picture of `width * height` grey values.
    ///
    /// # Errors
    /// A side that is 0 or longer than [`Luma::MAX_SIDE`]; another number of values.
    pub fn new(width: u32, height: u32, pixels: Vec<u8>) -> Result<Self, LumaError> {
        if !(1..=Self::MAX_SIDE).contains(&width) || !(1..=Self::MAX_SIDE).contains(&height) {
            return Err(LumaError::Side { width, height });
        }
        let wanted = width as usize * height as usize;
        if pixels.len() != wanted {
            return Err(LumaError::Length { given: pixels.len(), wanted });
        }
        Ok(Self { width, height, pixels })
    }

    /// A picture whose sides and length its maker has checked.
    pub(crate) fn from_parts(width: u32, height: u32, pixels: Vec<u8>) -> Self {
        debug_assert_eq!(pixels.len(), width as usize * height as usize);
        Self { width, height, pixels }
    }

    /// Pixels in a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// All values, row after row.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The row `y`, which must be within the picture.
    pub fn row(&self, y: u32) -> &[u8] {
        let start = y as usize * self.width as usize;
        &self.pixels[start..start + self.width as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_and_length_are_checked() {
        assert_eq!(Luma::new(0, 2, vec![]), Err(LumaError::Side { width: 0, height: 2 }));
        assert_eq!(Luma::new(2, 2, vec![0; 3]), Err(LumaError::Length { given: 3, wanted: 4 }));
        let luma = Luma::new(2, 2, vec![1, 2, 3, 4]).expect("four values");
        assert_eq!(luma.row(1), [3, 4]);
    }
}
