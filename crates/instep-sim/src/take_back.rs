//! Second thoughts: whoever entered something takes it back before anybody else has touched the task.

use crate::ledger::{Entry, Slot, note, read, tag};
use crate::shown::Shown;
use crate::stage::Stage;

impl Stage {
    /// The last person to enter something takes it back where it was entered.
    pub(crate) fn take_back(&mut self) {
        let Some(entry) = self.ledger.latest().cloned() else {
            return;
        };
        let mut shown = self.all_shown(entry.place).into_iter();
        let Some(shown) = shown.find(|shown| shown.key == entry.key) else {
            return;
        };
        self.work_on(&shown, |stage| stage.take_back_from(&shown, &entry));
    }

    fn take_back_from(&mut self, shown: &Shown, entry: &Entry) {
        match entry.slot {
            Slot::Tag => self.untag_this(shown, &tag(entry.number)),
            Slot::Note => {
                let text = note(entry.number);
                self.erase_one(shown, |texts| texts.iter().position(|one| *one == text));
            }
            slot => {
                let number = entry.number;
                let Some((_, former)) = self.ledger.former.take().filter(|one| one.0 == number)
                else {
                    // It came with the task.
                    return;
                };
                let is_there = read(slot, shown.fields().get(slot.field())) == Some(number);
                let before = read(slot, former.as_ref());
                if is_there && self.write(shown, slot.field(), former) {
                    self.ledger.supersede(shown.key, slot, number);
                    if let Some(before) = before {
                        self.retitled(shown, slot, before);
                        self.ledger.enter_again(slot, before);
                    }
                }
            }
        }
    }
}
