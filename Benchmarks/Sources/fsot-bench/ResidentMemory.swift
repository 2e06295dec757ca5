import Foundation

/// This process's resident memory as the kernel counts it.
enum ResidentMemory {
    /// The most there ever was, in bytes; mapped files and libraries included.
    static var peakBytes: Int { value("VmHWM") }

    private static func value(_ key: String) -> Int {
        // A file that reports no size: reading it by path gives only its first page.
        let file = FileHandle(forReadingAtPath: "/proc/self/status")
        let text = String(decoding: (try? file?.readToEnd()) ?? Data(), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix(key + ":") }
        return (line?.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }.first ?? 0) * 1024
    }
}
