import Glibc

/// Memory straight from the system. Large pieces are mappings of their own, so that what is given back is gone at once
/// (malloc keeps it), and of huge pages: a product that streams weights through small ones waits for the page tables.
enum SystemMemory {
    private static let mappedFrom = 1 << 20
    private static let hugePage = 2 << 20

    static func take(bytes: Int) -> UInt? {
        guard bytes >= mappedFrom else {
            var pointer: UnsafeMutableRawPointer?
            guard posix_memalign(&pointer, 64, bytes) == 0, let pointer else { return nil }
            return UInt(bitPattern: pointer)
        }
        let pointer = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let pointer, pointer != MAP_FAILED else { return nil }
        if bytes >= hugePage { madvise(pointer, bytes, MADV_HUGEPAGE) }
        return UInt(bitPattern: pointer)
    }

    static func giveBack(_ address: UInt, bytes: Int) {
        guard let pointer = UnsafeMutableRawPointer(bitPattern: address) else { return }
        if bytes >= mappedFrom { munmap(pointer, bytes) } else { free(pointer) }
    }
}
