package city.civiclake;

import java.nio.ByteBuffer;
import org.apache.thrift.transport.TSocket;
import org.apache.thrift.transport.TTransportException;

/**
 * Reads messages of a size that somebody may mean. Thrift makes room for as many bytes as a message
 * says it has, a hundred megabytes before the login and two gigabytes behind it, whoever says so.
 *
 * <p>A message of the login is a byte, its length in four, and itself; behind it the byte is left out.
 */
final class CarefulSocket extends TSocket {
  private static final int LOGIN_HEAD = 5;
  private static final int LOGIN_BYTES = 65_536;
  private static final int CALL_BYTES = 16 << 20;

  private boolean in;
  private boolean inside;

  CarefulSocket(TSocket other) throws TTransportException {
    super(other.getSocket());
  }

  /** The login is over. */
  void isIn() {
    in = true;
    inside = false;
  }

  /** A part of what is waited for may come alone. */
  @Override
  public int read(byte[] into, int from, int length) throws TTransportException {
    int read = super.read(into, from, length);
    Connection.speaks();
    return read;
  }

  @Override
  public int readAll(byte[] into, int from, int length) throws TTransportException {
    int read = super.readAll(into, from, length);
    if (inside) {
      inside = false;
    } else if (length == (in ? Integer.BYTES : LOGIN_HEAD)) {
      int said = ByteBuffer.wrap(into, from + length - Integer.BYTES, Integer.BYTES).getInt();
      if (said < 0 || said > (in ? CALL_BYTES : LOGIN_BYTES)) {
        throw new TTransportException("a message of " + said + " bytes is refused");
      }
      inside = said > 0;
    }
    return read;
  }
}
