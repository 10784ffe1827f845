//! The steps, and how they are drawn.

use embedded::{Fault, Times};
use journeys::Site;
use proptest::prelude::*;

/// One of three names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name(u8);

impl Name {
    pub(super) fn text(self) -> &'static str {
        ["ann", "bob", "cat"][usize::from(self.0)]
    }
}

/// One of four addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address(u8);

impl Address {
    pub(super) fn text(self) -> String {
        format!("{}@example.com", ["one", "two", "three", "four"][usize::from(self.0)])
    }
}

/// An operation. A session and a link are counted from the newest one; a password is the first (0) or another (1).
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Register(Name, Address),
    LogIn(Name, u8),
    LogInByAddress(Address, u8),
    UseLink(u8),
    Resend(Address),
    AskReset(Address),
    ChangeEmail(u8, Address),
    AskSecond(u8, Address, u8),
    Swap(u8, u8),
    RemoveSecond(u8, u8),
    ChangePassword(u8, u8),
    Refresh(u8),
    LogOut(u8),
    EndOthers(u8),
    Archive(u8, u8),
    Delete(u8, u8),
    CleanUp,
    Deliver,
}

impl Op {
    /// Whether it may delete an account.
    pub(super) fn deletes(self) -> bool {
        matches!(self, Self::Delete(..) | Self::CleanUp)
    }
}

/// A failure of AWS.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trouble {
    calls: &'static str,
    fault: u8,
    passes: u32,
    times: u32,
}

impl Trouble {
    pub(super) fn strike(self, site: &Site) {
        let fault = match self.fault {
            0 => Fault::Throttled,
            1 => Fault::InternalError,
            2 => Fault::Dropped,
            3 => Fault::Conflict,
            4 => Fault::Unprocessed,
            _ => Fault::AnswerLost,
        };
        if self.passes > 0 {
            site.aws.faults().fail(self.calls, Times::N(self.passes), Fault::Pass);
        }
        site.aws.faults().fail(self.calls, Times::N(self.times), fault);
    }
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    One(Op),
    AtOnce(Vec<Op>),
    Fail(Trouble),
    Advance(u32),
}

/// Single steps, and stories of several: single ones alone seldom come to a second address or to a new first one.
pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let part = prop_oneof![4 => step().prop_map(|step| vec![step]), 1 => story()];
    proptest::collection::vec(part, 3..12).prop_map(|parts| parts.concat())
}

/// Operations that build on each other. They often succeed, in the middle of all the others.
fn story() -> impl Strategy<Value = Vec<Step>> {
    let signed_in = |n, a| vec![Op::Register(n, a), Op::Deliver, Op::UseLink(0), Op::LogIn(n, 0)];
    // The newest mail may be the one with the link, or the one to the present address.
    let used = [Op::Deliver, Op::UseLink(0), Op::UseLink(1)];
    let last = prop_oneof![
        2 => Just(vec![]),
        2 => address().prop_map(move |a| [&[Op::ChangeEmail(0, a)], &used[..]].concat()),
        1 => address().prop_map(move |a| [&[Op::AskSecond(0, a, 0)], &used[..]].concat()),
        1 => (address(), address()).prop_map(move |(a, b)| {
            let asked = [Op::AskSecond(0, a, 0), Op::AskSecond(0, b, 0)];
            asked.iter().flat_map(|op| [&[*op], &used[..]].concat()).collect()
        }),
        2 => address().prop_map(move |a| {
            [&[Op::AskSecond(0, a, 0)], &used[..], &[Op::RemoveSecond(0, 0)]].concat()
        }),
        1 => address().prop_map(move |a| {
            [&[Op::AskSecond(0, a, 0)], &used[..], &[Op::Swap(0, 0)]].concat()
        }),
        1 => Just(vec![Op::Delete(0, 0)]),
    ];
    (name(), address(), last).prop_map(move |(n, a, last)| {
        signed_in(n, a).into_iter().chain(last).map(Step::One).collect()
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => op().prop_map(Step::One),
        // So that most sequences have users.
        3 => sign_up().prop_map(Step::One),
        4 => proptest::collection::vec(op(), 2..5).prop_map(Step::AtOnce),
        3 => trouble().prop_map(Step::Fail),
        2 => prop_oneof![Just(30), Just(400), Just(4_000), Just(90_000), Just(700_000)]
            .prop_map(Step::Advance),
    ]
}

fn trouble() -> impl Strategy<Value = Trouble> {
    // All but `Scan`: the test itself scans.
    let calls = proptest::sample::select(vec![
        "TransactWriteItems",
        "TransactWriteItems",
        "UpdateItem",
        "DeleteItem",
        "PutItem",
        "Query",
        "BatchGetItem",
        "GetItem",
        "SendEmail",
    ]);
    (calls, 0..8_u8, 0..3_u32, 1..5_u32).prop_map(|(calls, fault, passes, times)| Trouble {
        calls,
        fault,
        passes,
        times,
    })
}

fn name() -> impl Strategy<Value = Name> {
    (0..3_u8).prop_map(Name)
}

fn address() -> impl Strategy<Value = Address> {
    (0..4_u8).prop_map(Address)
}

fn sign_up() -> impl Strategy<Value = Op> {
    (name(), address()).prop_map(|(name, address)| Op::Register(name, address))
}

fn op() -> impl Strategy<Value = Op> {
    // Mostly the newest session, and mostly the first password.
    let session = || prop_oneof![3 => Just(0_u8), 1 => 0..4_u8];
    let with = || prop_oneof![5 => Just(0_u8), 1 => Just(1_u8)];
    let link = prop_oneof![2 => Just(0_u8), 1 => 0..6_u8];
    prop_oneof![
        3 => sign_up(),
        3 => (name(), with()).prop_map(|(n, w)| Op::LogIn(n, w)),
        1 => (address(), with()).prop_map(|(a, w)| Op::LogInByAddress(a, w)),
        8 => link.prop_map(Op::UseLink),
        1 => address().prop_map(Op::Resend),
        2 => address().prop_map(Op::AskReset),
        3 => (session(), address()).prop_map(|(s, a)| Op::ChangeEmail(s, a)),
        3 => (session(), address(), with()).prop_map(|(s, a, w)| Op::AskSecond(s, a, w)),
        2 => (session(), with()).prop_map(|(s, w)| Op::Swap(s, w)),
        1 => (session(), with()).prop_map(|(s, w)| Op::RemoveSecond(s, w)),
        1 => (session(), with()).prop_map(|(s, w)| Op::ChangePassword(s, w)),
        2 => session().prop_map(Op::Refresh),
        1 => session().prop_map(Op::LogOut),
        1 => session().prop_map(Op::EndOthers),
        1 => (session(), with()).prop_map(|(s, w)| Op::Archive(s, w)),
        2 => (session(), with()).prop_map(|(s, w)| Op::Delete(s, w)),
        1 => Just(Op::CleanUp),
        6 => Just(Op::Deliver),
    ]
}
