use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn id(n: u128) -> CommandId {
    CommandId(Uuid::from_u128(n))
}

#[test]
fn what_is_wanted_is_taken_in_the_order_it_was_announced_and_once() {
    let mut wanted = Wanted::default();
    wanted.extend([id(9), id(3), id(7), id(3)]);
    wanted.extend([id(1), id(9)]);
    wanted.remove(id(7));
    wanted.remove(id(8));
    assert_eq!(wanted.take(2), [id(9), id(3)]);
    assert!(!wanted.is_empty());
    wanted.extend([id(9)]);
    assert_eq!(wanted.take(100), [id(1), id(9)]);
    assert!(wanted.is_empty() && wanted.take(1).is_empty());
}

#[test]
fn what_comes_in_order_is_not_held() {
    let mut order = InOrder::of(&[id(5), id(2)]);
    assert_eq!(order.came(id(5), 'a', 10), ['a']);
    assert_eq!(order.came(id(77), 'x', 10), ['x'], "nobody asked for it");
    assert_eq!(order.came(id(2), 'b', 10), ['b']);
    assert!(order.rest().is_empty());
}

#[test]
fn what_is_missing_holds_the_others_until_the_end() {
    let mut order = InOrder::of(&[id(1), id(2), id(3)]);
    assert!(order.came(id(3), 'c', 10).is_empty());
    assert!(order.came(id(2), 'b', 10).is_empty());
    assert_eq!(order.rest(), ['b', 'c']);
    assert_eq!(order.came(id(1), 'a', 10), ['a'], "it came after all");
}

#[test]
fn large_payloads_are_not_held() {
    let mut order = InOrder::of(&[id(1), id(2), id(3)]);
    assert!(order.came(id(3), 'c', HELD_MAX).is_empty());
    assert_eq!(order.came(id(2), 'b', 1), ['b', 'c']);
    assert_eq!(order.came(id(1), 'a', 1), ['a']);
}

proptest! {
    #[test]
    fn whatever_the_list_s_order_all_come_out_once_and_in_the_order_asked_for(
        arrivals in Just((0..30_usize).collect::<Vec<_>>()).prop_shuffle(),
        lost in proptest::collection::btree_set(0..30_usize, 0..5),
    ) {
        let ids: Vec<_> = (0..30).map(|n| id(1000 - n)).collect();
        let mut order = InOrder::of(&ids);
        let mut out = Vec::new();
        for n in arrivals.into_iter().filter(|n| !lost.contains(n)) {
            out.extend(order.came(ids[n], n, 1));
        }
        out.extend(order.rest());
        let wanted: Vec<_> = (0..30).filter(|n| !lost.contains(n)).collect();
        prop_assert_eq!(out, wanted);
    }
}
