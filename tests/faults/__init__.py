"""The catalogue of faults: each is met by the whole program, among URLs that are well."""
