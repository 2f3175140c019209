//! Which item a pair's id can name.

use instep_model::{AccountId, Mapping, RemoteId, TaskId, Timestamp};
use uuid::Uuid;

fn check(unseen: bool, known: Option<i64>, born: Option<i64>, wanted: bool) {
    let at = |second: i64| Timestamp::from_second(second).expect("in range");
    let remote = Some(RemoteId::new("7"));
    let mut pair = Mapping::new(AccountId::new("vik"), TaskId(Uuid::nil()), remote);
    pair.unseen = unseen;
    pair.born = known.map(at);
    let told = pair.is_of(born.map(at));
    assert_eq!(told, wanted, "{unseen} {known:?} {born:?}");
}

/// I1: another birth under the id is another item. What only the answer to a create told may have
/// been rounded since.
#[test]
fn i1_an_item_is_known_by_its_birth_too() {
    for unseen in [false, true] {
        check(unseen, Some(100), Some(100), true);
        check(unseen, Some(100), Some(101), unseen);
        check(unseen, Some(101), Some(100), unseen);
        check(unseen, Some(100), Some(102), false);
        check(unseen, None, Some(100), true);
        check(unseen, Some(100), None, true);
    }
}
