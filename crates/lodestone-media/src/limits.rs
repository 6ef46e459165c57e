//! What one file may cost.

/// Limits on one file. All are strict: exceeding one is an error before the resource is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one file (or archive member) held in memory for decoding. Bigger ones are digested, not decoded.
    /// 256 MiB: phones and cameras stay below 150 MB per picture.
    pub max_bytes: u64,
    /// Pixels of one frame. 200 million: above the biggest phone sensors, below 30,000 × 30,000 bombs.
    pub max_pixels: u64,
    /// Frames decoded of one animation. 64: first, middle, last and one a second of a minute.
    pub max_frames: u32,
    /// Bytes a decoder may allocate for one picture. 1 GiB: a full-frame decoder at 200 million RGB pixels.
    pub max_memory: u64,
    /// Archives within archives. 4.
    pub max_depth: u32,
    /// Members of one outer archive, nested ones counted in. 1,000,000.
    pub max_members: u64,
    /// Bytes unpacked from one outer archive, all members together. 64 GiB.
    pub max_unpacked: u64,
    /// Unpacked size over packed size of one member, counted above 1 MiB. 1,100: deflate's own maximum is 1,032.
    pub max_ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 256 << 20,
            max_pixels: 200_000_000,
            max_frames: 64,
            max_memory: 1 << 30,
            max_depth: 4,
            max_members: 1_000_000,
            max_unpacked: 64 << 30,
            max_ratio: 1_100,
        }
    }
}
