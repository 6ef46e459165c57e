//! Union-find over small numbers.

/// Disjoint sets of `0..n`; the smallest number of a set leads it.
#[derive(Clone, Debug)]
pub(super) struct Union {
    parents: Vec<u32>,
}

impl Union {
    pub(super) fn new(n: usize) -> Self {
        Self { parents: (0..n as u32).collect() }
    }

    /// The leader of the set that `x` is in.
    pub(super) fn leader(&mut self, mut x: u32) -> u32 {
        while self.parents[x as usize] != x {
            let parent = self.parents[x as usize];
            self.parents[x as usize] = self.parents[parent as usize];
            x = parent;
        }
        x
    }

    /// Joins two sets; whether they were apart.
    pub(super) fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.leader(a), self.leader(b));
        self.parents[a.max(b) as usize] = a.min(b);
        a != b
    }

    /// All sets, each in ascending order, by their smallest number.
    pub(super) fn sets(&mut self) -> Vec<Vec<u32>> {
        let n = self.parents.len() as u32;
        let mut place_of_leader = vec![0usize; n as usize];
        let mut sets: Vec<Vec<u32>> = Vec::new();
        for x in 0..n {
            let leader = self.leader(x) as usize;
            if leader == x as usize {
                place_of_leader[leader] = sets.len();
                sets.push(Vec::new());
            }
            sets[place_of_leader[leader]].push(x);
        }
        sets
    }
}
