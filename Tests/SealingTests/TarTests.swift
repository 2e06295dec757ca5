import Foundation
import Sealing
import Testing

@Suite("ustar archives")
struct TarTests {
    static func archive(_ files: [(String, [UInt8])]) throws -> [UInt8] {
        let sink = MemorySink()
        let writer = TarWriter(sink)
        for (name, bytes) in files { try writer.append(name: name, size: bytes.count, from: MemorySource(bytes)) }
        try writer.finish()
        return sink.bytes
    }

    static func files(_ archive: [UInt8]) throws -> [String: [UInt8]] {
        let reader = TarReader(MemorySource(archive), what: "test.tar")
        var files = [String: [UInt8]]()
        while let entry = try reader.next() { files[entry.name] = try reader.readContent(limit: 1 << 20) }
        return files
    }

    private let sample: [(String, [UInt8])] = [
        ("a", []), ("b/c", [1]), ("d", [UInt8](repeating: 7, count: 512)),
        (String(repeating: "x", count: 100) + "/" + String(repeating: "y", count: 100), [1, 2, 3]),
    ]

    @Test func whatGoesInComesOut() throws {
        let archive = try Self.archive(sample)
        #expect(archive.count % 512 == 0)
        #expect(try Self.files(archive) == Dictionary(uniqueKeysWithValues: sample))
        #expect(try Self.archive(sample) == archive)
        #expect(try Self.files(Self.archive([])) == [:])
    }

    @Test(arguments: [
        "", "/a", "../a", "a/../b", "a//b", "a/", ".", "./a", "a\\b", "a\nb", String(repeating: "z", count: 101),
    ])
    func unsafeNamesAreRefused(_ name: String) {
        #expect(throws: SealingError.self) { try Self.archive([(name, [1])]) }
    }

    @Test func repeatedNamesAndWrongSizesAreRefused() throws {
        #expect(throws: SealingError.self) { try Self.archive([("a", []), ("a", [])]) }
        #expect(throws: SealingError.self) { try Self.archive([("b", []), ("a", [])]) }
        let writer = TarWriter(MemorySink())
        #expect(throws: SealingError.self) { try writer.append(name: "a", size: 3, from: MemorySource([1, 2])) }
        #expect(throws: SealingError.self) { try writer.append(name: "b", size: 1, from: MemorySource([1, 2])) }
        let one = try Self.archive([("a", [1])])
        #expect(throws: SealingError.self) { try Self.files(Array(one[..<1024]) + one) }
    }

    @Test func everyCutAndEveryChangedByteIsRefusedOrSeen() throws {
        let archive = try Self.archive([("a", [1, 2]), ("b", [3])])
        for length in archive.indices {
            #expect(throws: SealingError.self) { try Self.files(Array(archive[..<length])) }
        }
        for index in archive.indices {
            var changed = archive
            changed[index] ^= 0x20
            if let files = try? Self.files(changed) { #expect(files != ["a": [1, 2], "b": [3]], "byte \(index)") }
        }
        #expect(throws: SealingError.self) { try Self.files(archive + [0]) }
    }

    @Test(.enabled(if: Tools.areAllThere, "needs tar, age and openssl"))
    func stockTarReadsOursAndWeReadItsOwn() throws {
        let scratch = try Scratch()
        try scratch.write(Self.archive(sample), to: "ours.tar")
        let listing = try Tools.run("tar -tf ours.tar && tar -xf ours.tar && cat b/c | od -An -tu1", in: scratch.path)
        #expect(listing.status == 0, "\(listing.output)")
        #expect(listing.output.hasPrefix("a\nb/c\nd\nxxx"))
        #expect(try scratch.bytes("d") == sample[2].1)
        #expect(try Tools.run("tar --format=ustar -cf theirs.tar b/c d", in: scratch.path).status == 0)
        #expect(try Self.files(scratch.bytes("theirs.tar")) == ["b/c": [1], "d": sample[2].1])
    }

    @Test(
        .enabled(if: Tools.areAllThere, "needs tar, age and openssl"),
        arguments: ["ln -s /etc/passwd x", "mkdir x", "mkfifo x", "touch y; ln y x; touch w"]
    )
    func linksAndDirectoriesAreRefused(_ preparation: String) throws {
        let scratch = try Scratch()
        let line = "\(preparation) && tar --format=ustar -cf t.tar $(ls -r | grep -v tar)"
        #expect(try Tools.run(line, in: scratch.path).status == 0)
        let error = #expect(throws: SealingError.self) { try Self.files(scratch.bytes("t.tar")) }
        #expect(
            "\(error.map(String.init(describing:)) ?? "")".contains("is not a plain file") || preparation == "mkdir x"
        )
    }
}
