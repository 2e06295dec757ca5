import CSodium

/// Comparison whose time tells nothing about where two values differ.
public enum ConstantTime {
    /// True when both have the same length and content; only the lengths show in the time taken.
    public static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && sodium_memcmp(left, right, left.count) == 0
    }
}
