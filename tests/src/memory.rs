//! Aggregates that keep their rows stay within the memory of a session: what does not fit goes to a
//! temporary file and comes back, and the answer is the same.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::datatypes::Float64Type;
use arrow::record_batch::RecordBatch;
use opeka_measure::{Engine, EngineOptions, TableName};

const SERIES: i64 = 40_000;
const POINTS: i64 = 10;

/// Every series is spread over all batches, and the numbers have no fractions, so that sums are the
/// same in any order.
fn engine(memory: Option<usize>) -> Engine {
    let options = EngineOptions { partitions: Some(2), memory, ..EngineOptions::default() };
    let engine = Engine::new(options);
    let batch = |time: i64| {
        let series: Int64Array = (0..SERIES).collect();
        let value = (0..SERIES).map(|series| ((series % 7) * time + (series * time) % 3) as f64);
        let value = value.collect::<Float64Array>();
        let time: Float64Array = (0..SERIES).map(|_| time as f64).collect();
        let columns: [(&str, ArrayRef); 3] =
            [("series", Arc::new(series)), ("value", Arc::new(value)), ("time", Arc::new(time))];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let batches: Vec<RecordBatch> = (0..POINTS).map(batch).collect();
    engine.add_batches(&TableName::bare("panel"), batches[0].schema(), batches).unwrap();
    engine
}

async fn answer(memory: Option<usize>) -> Result<[f64; 3], String> {
    let sql = "select count(*), sum(t['n_obs']), sum(floor(t['estimate'] * 1000000)) \
               from (select theil_sen(value, time) as t from panel group by series)";
    let answer = engine(memory).query(sql, "test", 1).await.map_err(|p| p.to_string())?;
    let batch = answer.batches.iter().find(|batch| batch.num_rows() > 0).unwrap();
    Ok([0, 1, 2].map(|n| {
        let column = arrow::compute::cast(batch.column(n), &arrow::datatypes::DataType::Float64);
        column.unwrap().as_primitive::<Float64Type>().value(0)
    }))
}

#[tokio::test]
async fn what_does_not_fit_is_spilled() {
    let all = answer(None).await.unwrap();
    assert_eq!(all[0], SERIES as f64);
    assert_eq!(all[1], (SERIES * POINTS) as f64);
    // The rows of the groups alone are 6.4 million bytes, and are held twice.
    assert_eq!(answer(Some(12_000_000)).await.unwrap(), all);
}

#[tokio::test]
async fn far_too_little_is_an_error_and_no_crash() {
    let error = answer(Some(10_000)).await.unwrap_err();
    assert!(error.to_lowercase().contains("resources") || error.contains("memory"), "{error}");
}
