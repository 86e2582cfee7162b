mod allocations;
mod reader;
mod shard;
