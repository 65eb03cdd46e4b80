"""LawPay's payment interface on this machine: charges, refunds, events, a clock to advance and faults to switch on."""
