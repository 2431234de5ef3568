//! The shipped project, run once for all tests of this binary.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use opeka_measure::{Engine, EngineOptions};
use opeka_pipeline::{RunOptions, RunReport, Warehouse, open_release, run};
use tempfile::TempDir;

/// The project's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A release of the shipped project, in a temporary warehouse.
pub(crate) struct Shipped {
    pub(crate) warehouse: Warehouse,
    pub(crate) report: RunReport,
    _folder: TempDir,
}

/// The release; the first test that asks for it makes it.
pub(crate) fn shipped() -> &'static Shipped {
    static SHIPPED: OnceLock<Shipped> = OnceLock::new();
    SHIPPED.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let warehouse = Warehouse::at(folder.path());
        let report =
            block_on(run(&root(), &warehouse, &RunOptions::default(), &mut |_| ())).unwrap();
        Shipped { warehouse, report, _folder: folder }
    })
}

/// The release as a catalog.
pub(crate) fn engine() -> Engine {
    let shipped = shipped();
    let release = &shipped.report.release;
    block_on(open_release(&shipped.warehouse, release, EngineOptions::default())).unwrap().0
}

/// Runs a future to its end.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
