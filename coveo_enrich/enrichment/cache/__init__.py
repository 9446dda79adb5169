"""What classifiers said about pictures, kept between runs so that none is paid for twice."""
