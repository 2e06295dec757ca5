import Compression
import Foundation
import Testing

@Suite struct CompressionTests {
    /// Python: `gzip.compress(b"hello\n", mtime=0)`, twice.
    private static let member: [UInt8] = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 255, 203, 72, 205, 201, 201, 231, 2, 0, 32, 48, 58, 54, 6, 0, 0, 0,
    ]

    @Test func gunzipsSeveralMembers() throws {
        #expect(try Zlib.gunzip(Data(Self.member + Self.member)) == Data("hello\nhello\n".utf8))
    }

    @Test(arguments: [1, 9, 14, 20, 25]) func refusesTruncation(length: Int) {
        #expect(throws: CompressionError.self) { try Zlib.gunzip(Data(Self.member.prefix(length))) }
    }

    @Test func refusesCorruption() {
        var damaged = Self.member
        damaged[12] ^= 0x55
        #expect(throws: CompressionError.self) { try Zlib.gunzip(Data(damaged)) }
    }

    /// Python: `len(zlib.compress(b"a" * 1000, 6)) == 17`, `len(zlib.compress(b"", 6)) == 8`.
    @Test func lengthEqualsPythons() {
        #expect(Zlib.compressedLength(of: [UInt8](repeating: 97, count: 1000)) == 17)
        #expect(Zlib.compressedLength(of: []) == 8)
    }
}
