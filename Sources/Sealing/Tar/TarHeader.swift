/// The 512-byte header of a ustar archive's entry (POSIX.1-1988).
struct TarHeader: Equatable {
    static let blockLength = 512
    /// The largest size that eleven octal digits hold.
    static let maximumSize = (1 << 33) - 1

    let name: String
    let size: Int

    /// Refuses names that could leave the directory they are unpacked in, or that two systems would read differently.
    init(name: String, size: Int) throws {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard
            !name.isEmpty, name.utf8.count <= 255, !name.utf8.contains(where: { $0 < 32 || $0 == 127 || $0 == 92 }),
            parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." })
        else { throw SealingError.invalid(what: "The archive entry \"\(name)\"", reason: "its name is not safe") }
        guard (0...Self.maximumSize).contains(size) else {
            throw SealingError.invalid(what: name, reason: "a file in a sealed emulator may have at most 8 GiB")
        }
        self.name = name
        self.size = size
    }

    /// The header block: mode 0644, owner 0, time 0, so that equal content gives equal archives.
    func block() throws -> [UInt8] {
        var block = [UInt8](repeating: 0, count: Self.blockLength)
        func put(_ text: some Collection<UInt8>, at offset: Int) {
            block.replaceSubrange(offset..<(offset + text.count), with: text)
        }
        func octal(_ value: Int, digits: Int) -> [UInt8] {
            let text = String(value, radix: 8)
            return Array((String(repeating: "0", count: digits - text.count) + text).utf8)
        }
        let (prefix, short) = try split()
        put(short, at: 0)
        put(octal(0o644, digits: 7), at: 100)
        put(octal(0, digits: 7), at: 108)
        put(octal(0, digits: 7), at: 116)
        put(octal(size, digits: 11), at: 124)
        put(octal(0, digits: 11), at: 136)
        put(Array("0".utf8), at: 156)
        put(Array("ustar".utf8) + [0] + Array("00".utf8), at: 257)
        put(octal(0, digits: 7), at: 329)
        put(octal(0, digits: 7), at: 337)
        put(prefix, at: 345)
        put(octal(Self.checksum(block), digits: 6) + [0, 32], at: 148)
        return block
    }

    private func split() throws -> (prefix: [UInt8], name: [UInt8]) {
        let bytes = Array(name.utf8)
        if bytes.count <= 100 { return ([], bytes) }
        for index in bytes.indices where bytes[index] == UInt8(ascii: "/") {
            if index <= 155 && bytes.count - index - 1 <= 100 {
                return (Array(bytes[..<index]), Array(bytes[(index + 1)...]))
            }
        }
        throw SealingError.invalid(what: name, reason: "its name is too long for an archive")
    }

    /// Reads a header block that is not all zeros; accepts regular files only.
    init(block: [UInt8], what: String) throws {
        func failure(_ reason: String) -> SealingError { .malformed(what: what, reason: reason) }
        func text(_ range: Range<Int>) throws -> String {
            let field = block[range]
            let end = field.firstIndex(of: 0) ?? field.endIndex
            guard field[end...].allSatisfy({ $0 == 0 }),
                let text = String(validating: field[..<end], as: UTF8.self)
            else { throw failure("an archive header has a name that is not valid") }
            return text
        }
        func octal(_ field: ArraySlice<UInt8>) throws -> Int {
            guard !field.isEmpty, field.allSatisfy({ (48...55).contains($0) }) else {
                throw failure("an archive header has a number that is not valid")
            }
            return field.reduce(0) { $0 << 3 | Int($1 - 48) }
        }
        guard block.count == Self.blockLength, Array(block[257..<262]) == Array("ustar".utf8) else {
            throw failure("it is no ustar archive, or its end is missing")
        }
        guard block[154] == 0, block[155] == 32, try octal(block[148..<154]) == Self.checksum(block) else {
            throw failure("an archive header was changed")
        }
        let short = try text(0..<100)
        let prefix = try text(345..<500)
        let name = prefix.isEmpty ? short : "\(prefix)/\(short)"
        guard block[156] == UInt8(ascii: "0") else {
            throw failure("its entry \(name) is not a plain file")
        }
        guard block[135] == 0 || block[135] == 32 else {
            throw failure("an archive header has a number that is not valid")
        }
        do {
            self = try TarHeader(name: name, size: octal(block[124..<135]))
        } catch SealingError.invalid(let entry, let reason) {
            throw failure("\(entry) is not allowed: \(reason)")
        }
    }

    /// The sum of the bytes, with the field of the sum itself as spaces.
    private static func checksum(_ block: [UInt8]) -> Int {
        block.indices.reduce(0) { $0 + ((148..<156).contains($1) ? 32 : Int(block[$1])) }
    }
}
