//! The KV cache: blocks of tokens, shared by equal prefixes, the longest unused evicted first.

use std::collections::BTreeMap;

/// Tokens in one block.
pub const BLOCK_TOKENS: u32 = 16;

/// Blocks handed out to sequences. A block that no sequence holds keeps its content, and may be found again by its
/// hash, until its space is needed (as vLLM's block pool does).
#[derive(Debug)]
pub(super) struct KvCache {
    capacity: u32,
    /// Blocks touched so far; the rest of the capacity is fresh.
    blocks: Vec<Block>,
    /// Free blocks without content worth keeping.
    spare: Vec<u32>,
    /// Free blocks with content, by the tick at which they became free.
    idle: BTreeMap<u64, u32>,
    /// Blocks by the hash of all tokens up to their end.
    cached: BTreeMap<u64, u32>,
    tick: u64,
}

#[derive(Debug, Default)]
struct Block {
    holders: u32,
    hash: Option<u64>,
    idle_since: u64,
}

/// The blocks of one sequence, in the order of its tokens.
#[derive(Debug, Default)]
pub(super) struct Table {
    blocks: Vec<u32>,
    /// How many of them are complete prompt blocks already offered for sharing.
    shared: usize,
}

impl KvCache {
    pub(super) fn new(capacity: u32) -> Self {
        Self {
            capacity,
            blocks: Vec::new(),
            spare: Vec::new(),
            idle: BTreeMap::new(),
            cached: BTreeMap::new(),
            tick: 0,
        }
    }

    /// Share of blocks that sequences hold.
    pub(super) fn usage(&self) -> f64 {
        1.0 - f64::from(self.free()) / f64::from(self.capacity)
    }

    /// A table that begins with the longest cached run of `hashes`.
    pub(super) fn claim(&mut self, hashes: &[u64]) -> Table {
        let blocks: Vec<u32> = hashes.iter().map_while(|hash| self.cached.get(hash).copied()).collect();
        for &id in &blocks {
            let block = &mut self.blocks[id as usize];
            if block.holders == 0 {
                self.idle.remove(&block.idle_since);
            }
            block.holders += 1;
        }
        Table { shared: blocks.len(), blocks }
    }

    /// Makes room for `tokens` tokens in all and offers complete prompt blocks for sharing; false when no space is left.
    pub(super) fn grow(&mut self, table: &mut Table, hashes: &[u64], tokens: u32) -> bool {
        let needed = (tokens.div_ceil(BLOCK_TOKENS) as usize).saturating_sub(table.blocks.len());
        if needed > self.free() as usize {
            return false;
        }
        for _ in 0..needed {
            let id = self.take();
            table.blocks.push(id);
        }
        let complete = hashes.len().min((tokens / BLOCK_TOKENS) as usize);
        while table.shared < complete {
            self.share(table.blocks[table.shared], hashes[table.shared]);
            table.shared += 1;
        }
        true
    }

    /// Gives the blocks back, the last first, so that shared beginnings outlive their ends.
    pub(super) fn release(&mut self, table: &mut Table) {
        for id in std::mem::take(table).blocks.into_iter().rev() {
            let block = &mut self.blocks[id as usize];
            block.holders -= 1;
            if block.holders > 0 {
                continue;
            }
            if block.hash.is_some() {
                block.idle_since = self.tick;
                self.idle.insert(self.tick, id);
                self.tick += 1;
            } else {
                self.spare.push(id);
            }
        }
    }

    fn free(&self) -> u32 {
        self.capacity - self.blocks.len() as u32 + self.spare.len() as u32 + self.idle.len() as u32
    }

    /// One free block; the caller has checked that there is one.
    fn take(&mut self) -> u32 {
        if let Some(id) = self.spare.pop() {
            self.blocks[id as usize].holders = 1;
            return id;
        }
        if self.blocks.len() < self.capacity as usize {
            self.blocks.push(Block { holders: 1, ..Block::default() });
            return self.blocks.len() as u32 - 1;
        }
        #[expect(clippy::expect_used, reason = "grow compared the need with free() before the first take")]
        let (_, id) = self.idle.pop_first().expect("a free block");
        let block = &mut self.blocks[id as usize];
        if let Some(hash) = block.hash.take() {
            self.cached.remove(&hash);
        }
        block.holders = 1;
        id
    }

    /// A second block with the same content stays private, so that a hash names one block.
    fn share(&mut self, id: u32, hash: u64) {
        if let std::collections::btree_map::Entry::Vacant(entry) = self.cached.entry(hash) {
            entry.insert(id);
            self.blocks[id as usize].hash = Some(hash);
        }
    }
}

impl Table {
    /// Tokens that the blocks found by `claim` already hold.
    pub(super) fn claimed_tokens(&self) -> u32 {
        self.blocks.len() as u32 * BLOCK_TOKENS
    }
}
