import CZlib
import Foundation

/// Why compressed data could not be read.
public enum CompressionError: Error, Equatable, CustomStringConvertible {
    /// The gzip stream is damaged or ends early; `reason` is zlib's own text.
    case damagedGzip(reason: String)

    /// One sentence with the remedy.
    public var description: String {
        switch self {
        case .damagedGzip(let reason):
            return "The gzip data is damaged or truncated (\(reason)); fetch or compress the file again."
        }
    }
}

/// The two things that fsot needs of zlib: reading gzip files and the length of a zlib stream.
public enum Zlib {
    /// Whether `data` starts with the gzip magic number.
    public static func isGzip(_ data: Data) -> Bool {
        data.count >= 2 && data[data.startIndex] == 0x1f && data[data.startIndex + 1] == 0x8b
    }

    /// Inflates a gzip file of one or more members (RFC 1952).
    ///
    /// - Throws: `CompressionError.damagedGzip` when a member is corrupt or truncated.
    public static func gunzip(_ data: Data) throws -> Data {
        var stream = z_stream()
        guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw CompressionError.damagedGzip(reason: "out of memory")
        }
        defer { inflateEnd(&stream) }
        var output = Data()
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        var input = [UInt8](data)
        let inputCount = input.count
        try input.withUnsafeMutableBufferPointer { source in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(inputCount)
            var status = Z_OK
            while true {
                try chunk.withUnsafeMutableBufferPointer { target in
                    stream.next_out = target.baseAddress
                    stream.avail_out = UInt32(target.count)
                    status = inflate(&stream, Z_NO_FLUSH)
                    guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
                        throw CompressionError.damagedGzip(
                            reason: stream.msg.map { String(cString: $0) } ?? "status \(status)"
                        )
                    }
                    output.append(
                        target.baseAddress.map { Data(bytes: $0, count: target.count - Int(stream.avail_out)) }
                            ?? Data()
                    )
                }
                if status == Z_STREAM_END {
                    if stream.avail_in == 0 { break }
                    inflateReset(&stream)
                } else if stream.avail_in == 0 && stream.avail_out > 0 {
                    throw CompressionError.damagedGzip(reason: "unexpected end of data")
                }
            }
        }
        return output
    }

    /// The number of bytes of the zlib stream of `bytes` (RFC 1950; 2-byte header and Adler-32 included).
    ///
    /// - Parameters:
    ///   - bytes: what to compress.
    ///   - level: zlib's level, 6 as in Carlini et al. 2021 and Python's default.
    public static func compressedLength(of bytes: some Sequence<UInt8>, level: Int32 = 6) -> Int {
        var input = [UInt8](bytes)
        var length = compressBound(UInt(input.count))
        var output = [UInt8](repeating: 0, count: Int(length))
        compress2(&output, &length, &input, UInt(input.count), level)
        return Int(length)
    }
}
