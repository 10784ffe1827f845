//! The calls of the functions to DynamoDB, counted in the SDK.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Counts calls. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct CallLog(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    under_way: usize,
    calls: Calls,
}

/// How many calls were made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// One after the other: calls that are under way at the same time count once.
    pub round_trips: usize,
    /// All calls.
    pub calls: usize,
}

impl CallLog {
    /// The count since the last call of this method.
    pub fn take(&self) -> Calls {
        std::mem::take(&mut self.state().calls)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[dyn_dispatch_hint]
impl Intercept for CallLog {
    fn name(&self) -> &'static str {
        "CallLog"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut state = self.state();
        state.calls.calls += 1;
        if state.under_way == 0 {
            state.calls.round_trips += 1;
        }
        state.under_way += 1;
        Ok(())
    }

    fn read_after_execution(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.state().under_way -= 1;
        Ok(())
    }
}
