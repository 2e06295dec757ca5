/// Valid UTF-8 read scalar by scalar. Positions are byte offsets of scalar starts.
struct UTF8Reader {
    let bytes: [UInt8]
    private let ascii = CharacterKind.ascii

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// How many bytes the scalar has that starts with `lead`.
    @inline(__always)
    static func length(lead: UInt8) -> Int {
        lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
    }

    /// The scalar at `position` and its length in bytes.
    @inline(__always)
    func scalar(at position: Int) -> (scalar: Unicode.Scalar, length: Int) {
        let lead = bytes[position]
        let length = Self.length(lead: lead)
        if length == 1 { return (Unicode.Scalar(lead), 1) }
        var value = UInt32(lead) & (0x7F >> UInt32(length))
        for offset in 1..<length { value = value << 6 | UInt32(bytes[position + offset] & 0x3F) }
        return (Unicode.Scalar(value) ?? "\u{FFFD}", length)
    }

    /// The class of the scalar at `position` and its length in bytes.
    @inline(__always)
    func kind(at position: Int) -> (kind: CharacterKind, length: Int) {
        let byte = bytes[position]
        if byte < 0x80 { return (ascii[Int(byte)], 1) }
        let (scalar, length) = scalar(at: position)
        return (CharacterKind(scalar), length)
    }

    /// The end of the longest run of `kind` that starts at `position` (which need not be of that kind).
    @inline(__always)
    func endOfRun(of kind: CharacterKind, from position: Int, before end: Int) -> Int {
        var position = position
        while position < end {
            let (next, length) = self.kind(at: position)
            if next != kind { break }
            position += length
        }
        return position
    }

    /// Where a match of `\s+(?!\S)|\s+` ends that starts at a whitespace scalar: after the run, or before the run's last
    /// scalar when something else follows and the run has more than one.
    func endOfWhitespaceMatch(from start: Int, before end: Int) -> Int {
        let runEnd = endOfRun(of: .whitespace, from: start, before: end)
        if runEnd == end { return runEnd }
        var last = runEnd - 1
        while bytes[last] & 0xC0 == 0x80 { last -= 1 }
        return last > start ? last : runEnd
    }
}
