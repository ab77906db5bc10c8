//! What is to be written, in groups that one call to the bus can carry.

use tickcast_shared::bus::ShardBatch;

/// Most changes in one call: some 3 MB, which Redis takes in a fraction of the command time-out.
const MAX_CALL: usize = 8192;

/// Whole batches in groups that one call can carry.
pub(super) fn pieces(batches: Vec<ShardBatch>) -> Vec<Vec<ShardBatch>> {
    let mut pieces: Vec<Vec<ShardBatch>> = Vec::new();
    let mut room = 0_usize;
    for batch in batches {
        let size = batch.puts.len() + batch.removes.len() + batch.bars.len();
        match pieces.last_mut() {
            Some(piece) if size <= room => {
                room -= size;
                piece.push(batch);
            }
            _ => {
                room = MAX_CALL.saturating_sub(size);
                pieces.push(vec![batch]);
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use tickcast_shared::{bus::ShardId, market::Topic};

    #[test]
    fn a_call_carries_whole_batches_in_order_up_to_its_limit() {
        let topic: Topic = "ticker:okx:A-USDT".parse().unwrap();
        let batch = |number: u8, size: usize| ShardBatch {
            shard: ShardId::new(number).unwrap(),
            removes: vec![topic.clone(); size],
            ..ShardBatch::default()
        };
        let sizes = [MAX_CALL / 2, MAX_CALL / 2, 1, 2 * MAX_CALL, 5];
        let batches = (0..).zip(sizes).map(|(number, size)| batch(number, size)).collect();
        let shards: Vec<Vec<usize>> = pieces(batches)
            .iter()
            .map(|piece| piece.iter().map(|batch| batch.shard.index()).collect())
            .collect();
        assert_eq!(shards, [vec![0, 1], vec![2], vec![3], vec![4]]);
        assert!(pieces(Vec::new()).is_empty());
    }
}
