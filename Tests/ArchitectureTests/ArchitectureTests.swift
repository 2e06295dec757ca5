import Foundation
import Testing

/// The rules of the house that the compiler does not know.
@Suite struct ArchitectureTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Every own Swift file below Sources: its room and its text.
    private static func sources() throws -> [(room: String, path: String, text: String)] {
        let folder = root.appendingPathComponent("Sources")
        let rooms = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        return try rooms.flatMap { room in
            let base = folder.appendingPathComponent(room).path
            let files = FileManager.default.enumerator(atPath: base)?.compactMap { $0 as? String } ?? []
            return try files.filter { $0.hasSuffix(".swift") }.map {
                (room, "\(room)/\($0)", try String(contentsOfFile: "\(base)/\($0)", encoding: .utf8))
            }
        }
    }

    private static func imports(of text: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard let position = words.firstIndex(of: "import"), words[..<position].allSatisfy({ isModifier($0) }),
                words.count > position + 1
            else { return nil }
            return words.count > position + 2 && ["struct", "class", "enum", "func"].contains(words[position + 1])
                ? String(words[position + 2].prefix { $0 != "." }) : String(words[position + 1])
        }
    }

    private static func isModifier(_ word: Substring) -> Bool {
        ["public", "internal", "private", "fileprivate", "package"].contains(word) || word.hasPrefix("@")
    }

    /// The targets in the order of Package.swift, each with the own targets that it names as dependencies.
    private static func targets() throws -> [(name: String, dependencies: [String])] {
        let text = try String(contentsOf: root.appendingPathComponent("Package.swift"), encoding: .utf8)
        let body = try #require(text.components(separatedBy: "// MARK: - Tests").first)
        let pieces = body.components(separatedBy: "arget(").dropFirst()
        return try pieces.map { piece in
            let quoted = piece.components(separatedBy: "\"").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
            let name = try #require(quoted.first)
            guard let start = piece.range(of: "dependencies: ["),
                let end = piece.range(of: "]", range: start.upperBound..<piece.endIndex)
            else { return (name, []) }
            let list = piece[start.upperBound..<end.lowerBound]
            return (name, list.components(separatedBy: "\"").enumerated().filter { $0.offset % 2 == 1 }.map(\.element))
        }
    }

    @Test func arrowsGoDownOnly() throws {
        let targets = try Self.targets()
        #expect(targets.count >= 17, "Package.swift was not understood")
        let names = targets.map(\.name)
        for (index, target) in targets.enumerated() {
            for dependency in target.dependencies {
                guard let position = names.firstIndex(of: dependency) else { continue }
                #expect(position > index, "\(target.name) depends on \(dependency), which stands above it")
            }
        }
    }

    @Test func everyImportIsDeclared() throws {
        let targets = Dictionary(uniqueKeysWithValues: try Self.targets().map { ($0.name, $0.dependencies) })
        for source in try Self.sources() {
            for imported in Self.imports(of: source.text) where targets[imported] != nil {
                #expect(
                    targets[source.room]?.contains(imported) == true,
                    "\(source.path) imports \(imported), which Package.swift does not give it"
                )
            }
        }
    }

    @Test(arguments: [
        ("CSodium", ["Cryptography"]), ("COpenSSL", ["Cryptography"]), ("CKernels", ["TensorEngine"]),
        ("COpenBLAS", ["TensorEngine"]), ("CZlib", ["Compression"]), ("ArgumentParser", ["fsot"]), ("Yams", ["fsot"]),
    ]) func onlyItsRoomImports(module: String, rooms: [String]) throws {
        for source in try Self.sources() where Self.imports(of: source.text).contains(module) {
            #expect(rooms.contains(source.room), "\(source.path) imports \(module)")
        }
    }

    @Test func librariesDoNotPrint() throws {
        for source in try Self.sources() where source.room != "fsot" {
            let offending = source.text.split(separator: "\n").first { line in
                let code = line.drop { $0 == " " }
                return code.hasPrefix("print(") || code.hasPrefix("debugPrint(") || code.contains("FileHandle.standard")
            }
            #expect(offending == nil, "\(source.path): \(offending ?? "")")
        }
    }

    /// A trap is for a programmer's mistake; what comes from disk, network or flags gets an error.
    @Test func noTrapsAndNoLeftovers() throws {
        let forbidden = ["fatalError(", "try!", " as! ", "TODO", "FIXME"]
        for source in try Self.sources() {
            for word in forbidden {
                #expect(!source.text.contains(word), "\(source.path) contains \(word)")
            }
        }
    }

    /// Foundation's traps on Linux for a name of one character: `AtomicFile.directory(of:)` does not.
    @Test func noPathIsCutByFoundation() throws {
        for source in try Self.sources() {
            #expect(!source.text.contains("NSString).deletingLastPathComponent"), "\(source.path)")
        }
    }

    @Test func filesStayReadable() throws {
        for source in try Self.sources() {
            let lines = source.text.split(separator: "\n", omittingEmptySubsequences: false).count
            #expect(lines <= 500, "\(source.path) has \(lines) lines: look for the second concept")
        }
    }

    @Test func noRoomsForLeftovers() throws {
        let forbidden = ["Utils", "Helpers", "Common", "Manager"]
        for source in try Self.sources() {
            for word in forbidden { #expect(!source.path.contains(word), "\(source.path)") }
        }
    }
}
