//! Sets of faults.

use pilotage_gate::{Fault, FaultClass, Faults};

#[test]
fn a_set_of_faults_holds_what_was_put_in() {
    for fault in Fault::ALL {
        let one = Faults::NONE.with(fault);
        assert!(Faults::NONE.is_empty() && !one.is_empty());
        assert!(one.contains(fault) && !Faults::NONE.contains(fault));
        assert_eq!(one.iter().collect::<Vec<_>>(), [fault]);
        assert_eq!(one.first(fault.class()), Some(fault));
        assert_eq!(one.without(fault), Faults::NONE);
        assert_eq!(one.with(fault), one);
        assert_eq!(Faults::NONE.union(one), one);
        assert_eq!(one.union(one), one);
    }
    let all = Fault::ALL.into_iter().fold(Faults::NONE, Faults::with);
    assert_eq!(all.iter().collect::<Vec<_>>(), Fault::ALL);
    assert_eq!(all.first(FaultClass::SlowStop), Some(Fault::BatteryLow));
    let rest = all.without(Fault::BatteryLow);
    assert_eq!(rest.first(FaultClass::SlowStop), Some(Fault::Overheated));
    assert_eq!(rest.union(Faults::NONE.with(Fault::BatteryLow)), all);
}
