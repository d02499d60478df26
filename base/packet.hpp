// A packet: one contiguous segment with headroom, a chain link, and room for the notes of the layer
// that holds it. It is the one currency of the data path: receive bursts, reassembly queues, the
// plaintext between client and backend, send queues and transmit bursts all hold Packets.
//
// A Packet lies in its buffer's own control area (for DPDK the mbuf's private area), so that packet
// and mbuf find each other by arithmetic; the reference count is the mbuf's and the only one there
// is. Memory pools (memory_packet_pool.hpp) lay packets out without DPDK.
#pragma once

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include "base/bytes.hpp"
#include "base/cache_line.hpp"

namespace sluice::base {

class Packet;

// Where packets come from and go back to. One pool belongs to one worker, which alone allocates
// from it; release() may be called by any worker that a packet was forwarded to.
class PacketPool {
 public:
  virtual ~PacketPool() = default;
  // A packet with kHeadroom bytes of headroom and no data, owned by the caller alone; null when the
  // pool is empty.
  [[nodiscard]] virtual Packet* allocate() = 0;
  // Drops one reference; the last one returns the packet to the pool.
  virtual void release(Packet* packet) = 0;
  [[nodiscard]] virtual std::size_t capacity() const = 0;
  // Packets not handed out; a moment's truth when other workers hold packets of this pool.
  [[nodiscard]] virtual std::size_t available() const = 0;
  // Of these, the packets that allocate() would give, perhaps a few less: some pools keep a
  // reserve, and other threads may hoard some. For any thread, as available().
  [[nodiscard]] virtual std::size_t allocatable() const { return available(); }
};

class Packet {
 public:
  // Room for Ethernet, VLAN, IPv6 and a full TCP header in front of any payload.
  static constexpr std::size_t kHeadroom = 128;
  // Bytes of notes for the layer that holds the packet (see notes<T>()).
  static constexpr std::size_t kNotesSize = 48;

  struct Buffer {
    std::byte* start;           // of the headroom
    std::uint32_t capacity;     // headroom and data together, bytes
    std::uint16_t* references;  // accessed atomically; starts at 1
  };
  Packet(PacketPool& pool, Buffer buffer)
      : pool_(&pool),
        references_(buffer.references),
        start_(buffer.start),
        capacity_(buffer.capacity) {
    reset();
  }
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;

  // Back to the state allocate() promises, for pools.
  void reset() {
    next = nullptr;
    offset_ = kHeadroom;
    size_ = 0;
    checksum = {};
    traffic_class = 0;
    flow_hash = 0;
    train_ = {};
  }

  [[nodiscard]] std::byte* data() { return start_ + offset_; }
  [[nodiscard]] const std::byte* data() const { return start_ + offset_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] MutableBytes bytes() { return {data(), size_}; }
  [[nodiscard]] Bytes bytes() const { return {data(), size_}; }
  [[nodiscard]] std::size_t headroom() const { return offset_; }
  [[nodiscard]] std::size_t tailroom() const { return capacity_ - offset_ - size_; }
  // What holding this packet costs in memory; budgets and windows are charged by it.
  [[nodiscard]] std::size_t true_size() const { return capacity_ + kOverhead; }

  // Shrinks from the front or the back. Precondition: n <= size().
  void trim_front(std::size_t n) {
    assert(n <= size_);
    offset_ += static_cast<std::uint32_t>(n);
    size_ -= static_cast<std::uint32_t>(n);
  }
  void trim_back(std::size_t n) {
    assert(n <= size_);
    size_ -= static_cast<std::uint32_t>(n);
  }
  // Grows at the front or the back and returns the new bytes. Precondition: n <= headroom() or
  // tailroom().
  MutableBytes prepend(std::size_t n) {
    assert(n <= headroom());
    offset_ -= static_cast<std::uint32_t>(n);
    size_ += static_cast<std::uint32_t>(n);
    return {data(), n};
  }
  MutableBytes append(std::size_t n) {
    assert(n <= tailroom());
    size_ += static_cast<std::uint32_t>(n);
    return {data() + size_ - n, n};
  }
  // Places the data window anew, for devices that received into the buffer.
  // Precondition: offset + size <= headroom() + size() + tailroom().
  void place(std::size_t offset, std::size_t size) {
    assert(offset + size <= capacity_);
    offset_ = static_cast<std::uint32_t>(offset);
    size_ = static_cast<std::uint32_t>(size);
  }

  // True when nobody else (a driver, a second queue) holds the buffer: only then may it be edited.
  [[nodiscard]] bool exclusive() const {
    return std::atomic_ref(*references_).load(std::memory_order_acquire) == 1;
  }
  // Begins to fetch the packet, not its bytes.
  void prefetch() const {
    __builtin_prefetch(this);
    __builtin_prefetch(reinterpret_cast<const std::byte*>(this) + kCacheLine);
  }
  // One more holder: each has to call release() once.
  // An only holder needs no locked instruction: nobody else can come or go meanwhile.
  void retain() {
    if (leads_train()) retain_train();
    std::atomic_ref references(*references_);
    if (references.load(std::memory_order_relaxed) == 1) {
      references.store(2, std::memory_order_relaxed);
    } else {
      references.fetch_add(1, std::memory_order_relaxed);
    }
  }
  void release() {
    if (leads_train()) release_train();
    pool_->release(this);
  }
  [[nodiscard]] PacketPool& pool() const { return *pool_; }
  // For pools: drops a reference, true when it was the last. The count is indeterminate then.
  [[nodiscard]] bool drop_reference() {
    std::atomic_ref references(*references_);
    return references.load(std::memory_order_acquire) == 1 ||
           references.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
  void set_references(std::uint16_t n) {
    std::atomic_ref(*references_).store(n, std::memory_order_relaxed);
  }

  // The notes of the layer that holds the packet, as a trivially copyable T of its own. Handing a
  // packet on makes its notes indeterminate.
  template <typename T>
  [[nodiscard]] T& notes() {
    static_assert(sizeof(T) <= kNotesSize && alignof(T) <= 8);
    static_assert(std::is_trivially_copyable_v<T>);
    return *reinterpret_cast<T*>(notes_);
  }

  // What a device knows (receive) or is asked to do (transmit) about checksums.
  struct Checksum {
    bool ip_verified : 1 = false;  // rx: the device found the IPv4 header checksum right
    bool l4_verified : 1 = false;  // rx: the same for TCP
    bool bad : 1 = false;          // rx: the device found one wrong
    // tx: the device fills in TCP's, whose field holds the pseudo-header sum; that of IPv4's header
    // is right already.
    bool l4_wanted : 1 = false;
    std::uint8_t l2_size = 0;  // tx: header sizes the device needs for that, bytes
    std::uint8_t l3_size = 0;

    // rx: there is nothing left to verify.
    [[nodiscard]] bool verified() const { return (ip_verified & l4_verified & !bad) != 0; }
  };

  // A train is one TCP segment of many times the usual size, for a device that cuts it into
  // segments itself. Its first packet holds the headers and nothing else; the text follows in
  // packets of which the train holds a reference each, which it takes and drops with its own.
  struct Train {
    std::uint32_t text_size = 0;     // of all its packets, bytes
    std::uint16_t segment_size = 0;  // text of each segment but the last, which may have less
    std::uint16_t packets = 0;       // with text; 0: an ordinary packet
  };
  [[nodiscard]] bool leads_train() const { return train_.packets != 0; }
  [[nodiscard]] const Train& train() const { return train_; }
  // The packets with text, in order.
  [[nodiscard]] std::span<Packet* const> train_text() const {
    return {train_list(), train_.packets};
  }
  // Puts `text`, the caller's reference included, at the train's end; the first makes it one.
  // Precondition: text.size() is segment_size, less only for the last; fewer than
  // max_train_packets() are in it; this packet is its owner's alone.
  void extend_train(Packet& text, std::uint16_t segment_size) {
    assert(train_.packets < max_train_packets() && text.size() <= segment_size);
    train_.segment_size = segment_size;
    train_.text_size += static_cast<std::uint32_t>(text.size());
    train_list()[train_.packets++] = &text;
  }
  // Its packets with text, and the references to them, are somebody else's now.
  void leave_train() { train_ = {}; }
  [[nodiscard]] std::size_t max_train_packets() const {
    return (capacity_ - kTrainOffset) / sizeof(Packet*);
  }
  // With the text of a train.
  [[nodiscard]] std::size_t frame_size() const { return size_ + train_.text_size; }

  Packet* next = nullptr;  // chain link of the queue that holds the packet
  Checksum checksum;
  std::uint8_t traffic_class = 0;  // IP's, as it arrived; of what is sent, its ECN field
  std::uint32_t flow_hash = 0;     // rx: the device's RSS hash, 0 where it has none

 private:
  static constexpr std::size_t kOverhead = 256;  // mbuf and packet
  // Where a train's first packet lists the others: behind the longest TCP header.
  static constexpr std::size_t kTrainOffset = kHeadroom + 64;

  [[nodiscard]] Packet** train_list() const {
    return reinterpret_cast<Packet**>(start_ + kTrainOffset);
  }
  void retain_train() {
    for (Packet* text : train_text()) text->retain();
  }
  void release_train() {
    for (Packet* text : train_text()) text->release();
  }

  Train train_;
  PacketPool* pool_;
  std::uint16_t* references_;
  std::byte* start_;
  std::uint32_t capacity_;
  std::uint32_t offset_ = 0;
  std::uint32_t size_ = 0;
  alignas(8) std::byte notes_[kNotesSize];
};

// Two cache lines: the first holds what every layer touches.
static_assert(sizeof(Packet) <= 2 * kCacheLine);

// Owns one reference to a packet.
class PacketPtr {
 public:
  PacketPtr() = default;
  explicit PacketPtr(Packet* packet) : packet_(packet) {}
  PacketPtr(PacketPtr&& other) noexcept : packet_(std::exchange(other.packet_, nullptr)) {}
  PacketPtr& operator=(PacketPtr&& other) noexcept {
    if (this != &other) reset(std::exchange(other.packet_, nullptr));
    return *this;
  }
  ~PacketPtr() { reset(); }

  void reset(Packet* packet = nullptr) {
    if (packet_ != nullptr) packet_->release();
    packet_ = packet;
  }
  [[nodiscard]] Packet* release() { return std::exchange(packet_, nullptr); }
  [[nodiscard]] Packet* get() const { return packet_; }
  Packet& operator*() const { return *packet_; }
  Packet* operator->() const { return packet_; }
  explicit operator bool() const { return packet_ != nullptr; }

 private:
  Packet* packet_ = nullptr;
};

// A first-in, first-out chain of packets that owns them; counts payload bytes and true size. Change
// a packet's size while it is queued only through the queue.
class PacketQueue {
 public:
  PacketQueue() = default;
  PacketQueue(PacketQueue&& other) noexcept { swap(other); }
  PacketQueue& operator=(PacketQueue&& other) noexcept {
    if (this != &other) {
      clear();
      swap(other);
    }
    return *this;
  }
  ~PacketQueue() { clear(); }

  void push_back(PacketPtr packet) {
    Packet* p = packet.release();
    p->next = nullptr;
    bytes_ += p->size();
    true_size_ += p->true_size();
    ++packets_;
    if (tail_ != nullptr) {
      tail_->next = p;
    } else {
      head_ = p;
    }
    tail_ = p;
  }
  void push_front(PacketPtr packet) {
    Packet* p = packet.release();
    p->next = head_;
    bytes_ += p->size();
    true_size_ += p->true_size();
    ++packets_;
    head_ = p;
    if (tail_ == nullptr) tail_ = p;
  }
  // Null when empty.
  [[nodiscard]] PacketPtr pop_front() {
    if (head_ == nullptr) return {};
    Packet* p = head_;
    head_ = p->next;
    if (head_ == nullptr) tail_ = nullptr;
    p->next = nullptr;
    bytes_ -= p->size();
    true_size_ -= p->true_size();
    --packets_;
    return PacketPtr(p);
  }
  // Moves all of `other` behind what is here.
  void splice_back(PacketQueue&& other) {
    if (other.head_ == nullptr) return;
    if (tail_ != nullptr) {
      tail_->next = other.head_;
    } else {
      head_ = other.head_;
    }
    tail_ = other.tail_;
    bytes_ += other.bytes_;
    true_size_ += other.true_size_;
    packets_ += other.packets_;
    other.forget();
  }
  // Drops the first n bytes, releasing packets that become empty. Precondition: n <= bytes().
  void trim_front(std::size_t n) {
    assert(n <= bytes_);
    while (n > 0 && head_->size() <= n) {
      n -= head_->size();
      (void)pop_front();
    }
    if (n > 0) {
      head_->trim_front(n);
      bytes_ -= n;
    }
  }
  // Grows the last packet at its end and returns the new bytes. Precondition: !empty(), the last
  // packet is exclusive and has the room.
  MutableBytes extend_back(std::size_t n) {
    bytes_ += n;
    return tail_->append(n);
  }
  void append_to_back(Bytes from) { copy(extend_back(from.size()), from); }
  void clear() {
    while (head_ != nullptr) (void)pop_front();
  }

  [[nodiscard]] bool empty() const { return head_ == nullptr; }
  [[nodiscard]] Packet* front() const { return head_; }
  [[nodiscard]] Packet* back() const { return tail_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t true_size() const { return true_size_; }
  [[nodiscard]] std::size_t packets() const { return packets_; }

 private:
  void swap(PacketQueue& other) {
    std::swap(head_, other.head_);
    std::swap(tail_, other.tail_);
    std::swap(bytes_, other.bytes_);
    std::swap(true_size_, other.true_size_);
    std::swap(packets_, other.packets_);
  }
  void forget() {
    head_ = tail_ = nullptr;
    bytes_ = true_size_ = packets_ = 0;
  }

  Packet* head_ = nullptr;
  Packet* tail_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t true_size_ = 0;
  std::size_t packets_ = 0;
};

}  // namespace sluice::base
