extension AtomicFile {
    /// The directory that holds a path, as POSIX `dirname` gives it: `"a/b/"` → `"a"`, `"b"` → `"."`, `"/b"` → `"/"`.
    ///
    /// `NSString.deletingLastPathComponent` traps on Linux for names of one character (swift-corelibs-foundation of
    /// Swift 6.3), and output paths come from flags.
    public static func directory(of path: String) -> String {
        let bytes = Array(path.utf8)
        let slash = UInt8(ascii: "/")
        var end = bytes.count
        while end > 1, bytes[end - 1] == slash { end -= 1 }
        guard let last = bytes[..<end].lastIndex(of: slash) else { return "." }
        end = last
        while end > 1, bytes[end - 1] == slash { end -= 1 }
        return end == 0 ? "/" : String(decoding: bytes[..<end], as: UTF8.self)
    }
}
