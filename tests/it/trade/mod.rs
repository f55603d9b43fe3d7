//! Trade: tariffs, the positive list, policies, shipping rates, allowances, and what goods cost with import taxes.

mod allowance;
mod landed;
mod rules;
