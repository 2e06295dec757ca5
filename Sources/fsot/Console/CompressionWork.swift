import Checkpoints
import Emulators
import Foundation
import TensorEngine

/// What `fsot compress` leaves beside its output while it works, so that a stopped run can go on: `OUTPUT.partial/`.
struct CompressionWork {
    private let directory: String
    private let teacherCache: String

    init(output: String, teacherCache: String?) {
        directory = output + ".partial"
        self.teacherCache = teacherCache ?? directory + "/teacher"
    }

    /// Where the distillation is saved.
    var checkpoint: String { directory + "/distillation" }

    /// Where the finished pieces of the owner's report are kept, unless the user says where.
    var reportCache: String { directory + "/report" }

    /// Checks that what is there fits what was asked for.
    ///
    /// - Throws: `CommandFailure` when a stopped run is in the way, or there is none to go on with.
    func begin(resuming: Bool) throws {
        let exists = FileManager.default.fileExists(atPath: directory)
        if exists, !resuming {
            throw CommandFailure("\(directory) is of a run that was stopped; go on with --resume, or remove it.")
        }
        if !exists, resuming {
            throw CommandFailure("There is no \(directory) to go on with; run the command without --resume.")
        }
    }

    /// Where teacher states are kept, by the full model's weights and arithmetic.
    ///
    /// - Parameter model: digests of the weights.
    func cache(model: String, precision: ComputePrecision) -> TeacherCacheLocation {
        TeacherCacheLocation(
            directory: teacherCache,
            model: model + (precision == .bfloat16 ? " bf16" : " f32")
        )
    }

    /// Whether there is something to go on with.
    var isKept: Bool { FileManager.default.fileExists(atPath: directory) }

    /// Runs `body`; when distillation diverges, what it saved is of no use to anybody.
    func endingWhenDiverged<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as EmulatorError {
            if case .diverged = error { end() }
            throw error
        }
    }

    /// Everything is written: nothing is left to go on with.
    func end() { try? FileManager.default.removeItem(atPath: directory) }
}

extension Checkpoint {
    /// The files that hold the weights and their configuration.
    func weightFiles() -> [String] {
        switch origin {
        case .gguf: return [path]
        case .huggingFace(let directory):
            return directory.names.filter { $0.hasSuffix(".safetensors") || $0 == "config.json" }
                .map { directory.path(of: $0) }
        }
    }
}
