mod reader;
mod shard;
