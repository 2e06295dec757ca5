import AtomicFiles
import Foundation
import Testing

@Suite struct AtomicFilesTests {
    private let directory = NSTemporaryDirectory() + "fsot-atomic-\(UUID().uuidString)"

    init() throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    private func listing() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    }

    @Test func replacesWhole() throws {
        try AtomicFile.write("old", to: directory + "/a")
        try AtomicFile.write("new", to: directory + "/a")
        #expect(try String(contentsOfFile: directory + "/a", encoding: .utf8) == "new")
        #expect(try listing() == ["a"])
    }

    @Test func abandonedWriterLeavesNothing() throws {
        do {
            let writer = try AtomicFileWriter(path: directory + "/a")
            try writer.write(Data("half".utf8))
        }
        #expect(try listing() == [])
    }

    /// `/dev/full` is not usable for renames, so a full disk is a directory on which the quota is exceeded: here,
    /// a file size limit would kill the test process; a missing parent exercises the same error path.
    @Test func missingDirectoryIsNamed() {
        #expect(throws: AtomicFileError.self) { try AtomicFile.write("x", to: directory + "/none/a") }
    }

    @Test func stagedDirectoryIsAllOrNothing() throws {
        do {
            let staged = try StagedDirectory(destination: directory + "/out")
            try AtomicFile.write("x", to: staged.path + "/f")
        }
        #expect(try listing() == [])
        let staged = try StagedDirectory(destination: directory + "/out")
        try AtomicFile.write("x", to: staged.path + "/f")
        try staged.commit()
        #expect(try listing() == ["out"])
        #expect(throws: AtomicFileError.alreadyExists(path: directory + "/out")) {
            try StagedDirectory(destination: directory + "/out")
        }
    }

    @Test(arguments: [
        ("a/b", "a"), ("a/b/", "a"), ("a//b//", "a"), ("b", "."), ("bc", "."), ("b/", "."), ("/b", "/"), ("//b", "/"),
        ("/", "/"), ("", "."), ("/a/b", "/a"), ("ä/日", "ä"), ("日", "."), ("../x", ".."),
    ]) func directoryOfAPath(path: String, expected: String) {
        #expect(AtomicFile.directory(of: path) == expected)
    }

    /// On Linux Foundation's own `deletingLastPathComponent` traps here; the file goes to the test's working directory.
    @Test func namesOfOneCharacter() throws {
        let name = "\u{E000}"
        defer { try? FileManager.default.removeItem(atPath: name) }
        try AtomicFile.write("x", to: name)
        #expect(try String(contentsOfFile: name, encoding: .utf8) == "x")
        try FileManager.default.removeItem(atPath: name)
        try StagedDirectory(destination: name).commit()
        #expect(try FileManager.default.contentsOfDirectory(atPath: name).isEmpty)
    }

    @Test func whatStandsFirstMayBeWrittenLast() throws {
        let writer = try AtomicFileWriter(path: directory + "/a")
        try writer.reserve(6)
        try writer.write(Data("world".utf8))
        try Array("hello ".utf8).withUnsafeBytes { try writer.fill($0, at: 0) }
        try writer.write(Data("!".utf8))
        try writer.commit()
        #expect(try String(contentsOfFile: directory + "/a", encoding: .utf8) == "hello world!")
    }

    @Test func locksExcludeEachOther() async throws {
        let path = directory + "/lock"
        let counter = directory + "/count"
        try AtomicFile.write("0", to: counter)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let lock = try FileLock(path: path)
                    defer { lock.unlock() }
                    let count = Int(try String(contentsOfFile: counter, encoding: .utf8)) ?? -100
                    try AtomicFile.write("\(count + 1)", to: counter)
                }
            }
            try await group.waitForAll()
        }
        #expect(try String(contentsOfFile: counter, encoding: .utf8) == "8")
        #expect(throws: AtomicFileError.self) { try FileLock(path: directory + "/nowhere/lock") }
    }
}
