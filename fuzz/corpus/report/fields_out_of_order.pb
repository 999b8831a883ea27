R2BEDSB"€Àü¸organisations/RJ1/wards/A1
$018f2b6e-7c1a-7d3e-9b52-3f6c1d2e4a5b