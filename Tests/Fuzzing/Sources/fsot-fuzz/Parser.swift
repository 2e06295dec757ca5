import Checkpoints
import Foundation
import Sealing
import Tokenizers

/// The parsers that are fuzzed.
enum Parser: String, CaseIterable {
    case tar
    case age
    case manifest
    case safetensors
    case gguf
    case tokenizer

    static let chosen: Parser = {
        guard let name = ProcessInfo.processInfo.environment["FSOT_FUZZ"], let parser = Parser(rawValue: name) else {
            let names = allCases.map(\.rawValue).joined(separator: ", ")
            FileHandle.standardError.write(Data("error: set FSOT_FUZZ to one of \(names)\n".utf8))
            exit(64)
        }
        return parser
    }()

    func run(_ bytes: [UInt8]) throws {
        switch self {
        case .tar: try Self.tar(bytes)
        case .age: try Self.age(bytes)
        case .manifest: try Self.manifest(bytes)
        case .safetensors: try Self.safetensors(bytes)
        case .gguf: try Self.gguf(bytes)
        case .tokenizer: try Self.tokenizer(bytes)
        }
    }

    private static func tar(_ bytes: [UInt8]) throws {
        let reader = TarReader(MemorySource(bytes), what: "input")
        while let entry = try reader.next() {
            var count = 0
            try reader.readContent { count += $0.count }
            precondition(count == entry.size, "an entry of another size came out")
        }
    }

    private static let identity = "AGE-SECRET-KEY-1XMWWC06LY3EE5RYTXM9MFLAZ2U56JJJ36S0MYPDRWSVLUL66MV4QX3S7F6"

    private static func age(_ bytes: [UInt8]) throws {
        let source = try AgeDecryptor(
            MemorySource(bytes),
            identity: AgeIdentity(text: Array(identity.utf8)),
            what: "input",
            holder: "fuzzer"
        )
        var buffer = [UInt8](repeating: 0, count: 4096)
        while try buffer.withUnsafeMutableBytes({ try source.read(into: $0) }) > 0 {}
    }

    private static func manifest(_ bytes: [UInt8]) throws {
        let manifest = try? SealedManifest(decoding: bytes, what: "input")
        if manifest == nil { _ = try IdentityCard(decoding: Data(bytes), what: "input") }
    }

    /// The bytes as the only file of a directory, as a sealed emulator is opened.
    private static func withDirectory(_ name: String, _ bytes: [UInt8], _ body: (CheckpointDirectory) throws -> Void)
        throws
    {
        let file = Copy(bytes)
        try body(CheckpointDirectory(path: "input", files: [name: (UnsafeRawBufferPointer(file.memory), file)]))
    }

    private static func safetensors(_ bytes: [UInt8]) throws {
        try withDirectory("model.safetensors", bytes) { directory in
            let file = try directory.safetensors("model.safetensors")
            for name in file.tensorNames { try read(name, of: file) }
        }
    }

    private static func gguf(_ bytes: [UInt8]) throws {
        let path = "/dev/shm/fsot-fuzz-\(getpid()).gguf"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let file = try GGUFFile(path: path)
        let tokenizer = Result { try Tokenizer(gguf: file) }
        if let tokenizer = try? tokenizer.get() { use(tokenizer) }
        let checkpoint = try Checkpoint.open(path)
        for name in checkpoint.tensors.tensorNames { try read(name, of: checkpoint.tensors) }
    }

    private static func tokenizer(_ bytes: [UInt8]) throws {
        try withDirectory("tokenizer.json", bytes) { use(try Tokenizer(directory: $0)) }
    }

    private static func use(_ tokenizer: Tokenizer) {
        let ids = tokenizer.encode("Hello, wörld! 123 \u{1F642}\n <|im_end|>", parsesSpecialTokens: true)
        _ = tokenizer.decode(ids)
    }

    /// Reads a tensor that a header claims, unless it claims more than a fuzzer has memory for.
    private static func read(_ name: String, of source: any TensorSource) throws {
        guard try source.info(name).elementCount < 1 << 20 else { return }
        _ = try source.values(name)
    }
}

/// The input at an address that stays.
final class Copy: @unchecked Sendable {
    let memory: UnsafeMutableRawBufferPointer

    init(_ bytes: [UInt8]) {
        memory = .allocate(byteCount: bytes.count, alignment: 8)
        memory.copyBytes(from: bytes)
    }

    deinit { memory.deallocate() }
}
