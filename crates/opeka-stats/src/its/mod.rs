//! One series before and after: interrupted time series.
